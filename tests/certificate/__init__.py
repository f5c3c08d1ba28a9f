"""Tests of the room of certificates, and what they share."""
