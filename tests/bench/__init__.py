"""Our speed, as ratios to something plain measured in the same run. Printed, never asserted: machines differ."""
