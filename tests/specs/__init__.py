"""The specs of this project and their mistakes, held to what they record."""
