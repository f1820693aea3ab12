"""The spec as a sandbox gets, keeps and shows it: the store, the layouts, the projects, the ID lists."""
