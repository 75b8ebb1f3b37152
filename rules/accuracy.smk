"""How good each method is where the truth is known."""


rule accuracy:
    """How far each method is from the truth, where the truth is known."""
    input:
        images="<results>/tables/images.csv",
        spots="<results>/tables/spots.csv",
        counts="<results>/tables/counts.csv",
        modules=modules("accuracy.py"),
    output:
        accuracy=table("accuracy"),
        accuracy_pooled=table("accuracy_pooled"),
        accuracy_differences=table("accuracy_differences"),
    log:
        "<logs>/accuracy.log",
    conda:
        environment
    params:
        truth=plan.with_truth,
        # No inputs, as images are not: one that vanishes costs its own image only.
        stamp=lambda wildcards: stamped(plan.with_truth.values()),
        seed=plan.seed,
    script:
        "../scripts/accuracy.py"


rule crossvalidate:
    """What a method is worth on images that had no say in choosing it."""
    input:
        accuracy="<results>/tables/accuracy.csv",
        methods="<results>/tables/methods.csv",
        modules=modules("crossvalidate.py"),
    output:
        table("crossvalidation"),
    log:
        "<logs>/crossvalidate.log",
    conda:
        environment
    script:
        "../scripts/crossvalidate.py"
