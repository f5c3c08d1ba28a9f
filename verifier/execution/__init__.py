"""Every path to wherever it ends; nothing here knows of claims."""
