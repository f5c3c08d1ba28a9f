"""What strangers may send: no traceback, no endless wait, bounded memory, nothing written."""
