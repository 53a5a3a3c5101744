"""The commands of `errand`, by what they are about. Each imports what it needs when it runs, so --help is quick."""
