"""Fine-grained fashion similarity: which garments are alike in this one respect?"""

__version__ = "0.1.0"
