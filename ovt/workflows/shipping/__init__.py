"""From a version to production: bundles, predictions."""
