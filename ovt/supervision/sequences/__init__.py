"""Labels of tokens read as sequences: valid transitions, HMM, CRF, and which of them is believed."""
