"""Looking at versions: comparing, confirming, re-measuring, monitoring, the report's page."""
