"""Which method to trust: what speaks for each, and how sure one can be."""


rule accuracy:
    """How far each method is from the truth, where the truth is known."""
    input:
        "<results>/tables/images.csv",
        "<results>/tables/spots.csv",
        "<results>/tables/counts.csv",
        list(plan.with_truth.values()),
        modules=modules("accuracy.py"),
    output:
        table("accuracy"),
    log:
        "<logs>/accuracy.log",
    conda:
        "../envs/environment.yaml"
    params:
        truth=plan.with_truth,
    script:
        "../scripts/accuracy.py"
