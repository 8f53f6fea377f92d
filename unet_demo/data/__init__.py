"""Pictures in, arrays out: users' files, synthetic scenes, and the data sets of the articles."""
