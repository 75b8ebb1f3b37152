"""Which method to trust: what speaks for each, and how sure one can be."""


rule methods:
    """Which listed values make the methods of a sweep."""
    input:
        modules=modules("methods.py"),
    output:
        table("methods"),
    log:
        "<logs>/methods.log",
    conda:
        "../envs/environment.yaml"
    params:
        settings=plan.settings(),
    script:
        "../scripts/methods.py"


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
