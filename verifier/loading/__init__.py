"""Bytes in: assembler source, an ELF file or a flat binary becomes an Image."""

from verifier.loading.image import Image, Line, Relocation
from verifier.loading.load import ImageDescription, Kind, load, load_source_text

__all__ = ["Image", "ImageDescription", "Kind", "Line", "Relocation", "load", "load_source_text"]
