"""What a team asks of a change, and the verdict: thresholds, demands, waivers, examples."""
