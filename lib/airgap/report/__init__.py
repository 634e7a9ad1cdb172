"""Reports: one renderer per module, all from what a run left on disk; the only importer of pandas and nbconvert."""
