"""The command line `gatelet`: the half of the project that runs on a laptop, in CI or in cron."""
