module rollout-lab.local/pause

go 1.25.0
