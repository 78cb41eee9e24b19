"""The contract's document: loading, references, outline, paths, names, and the form that is published."""
