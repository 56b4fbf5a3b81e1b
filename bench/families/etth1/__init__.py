"""ETTh1, 96 and 720 hours ahead: what papers on long horizons print, beside least squares on the same windows."""
