"""Which method to trust: what speaks for each, and how sure one can be."""


rule accuracy:
    """How far each method is from the truth, where the truth is known."""
    input:
        list(plan.with_truth.values()),
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
        "../envs/environment.yaml"
    params:
        truth=plan.with_truth,
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
        "../envs/environment.yaml"
    script:
        "../scripts/crossvalidate.py"
