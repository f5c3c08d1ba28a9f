"""Bytes in: assembler source, an ELF file, a bzImage, a PE or a flat file becomes an Image."""

from verifier.loading.image import Image, Line, Relocation
from verifier.loading.load import ImageDescription, Kind, load, load_source_text

__all__ = ["Image", "ImageDescription", "Kind", "Line", "Relocation", "load", "load_source_text"]
