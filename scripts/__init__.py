"""Programs that make or check files of the repository; none is needed to run it."""
