"""What only Snakemake needs: config, sheet, plan, jobs and what they leave."""
