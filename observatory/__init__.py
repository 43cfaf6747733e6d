"""What runs when: jobs, their progress, and the steps of each. The only place that composes."""
