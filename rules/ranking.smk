"""Which method to take, and how sure that is."""


rule stability:
    """How the count depends on the parameters of a sweep, and where it hardly does."""
    input:
        counts="<results>/tables/counts.csv",
        methods="<results>/tables/methods.csv",
        modules=modules("stability.py"),
    output:
        table("stability"),
    log:
        "<logs>/stability.log",
    conda:
        environment
    params:
        seed=plan.seed,
    script:
        "../scripts/stability.py"


rule recommend:
    """The recommendation: methods ranked by the strongest criterion there is, never by counts."""
    input:
        **CRITERIA,
        images="<results>/tables/images.csv",
        counts="<results>/tables/counts.csv",
        modules=modules("recommend.py"),
    output:
        table=table("recommendation"),
        of_images=table("reliability"),
        figure=report(
            "<results>/figures/recommendation.png",
            caption="../report/recommendation.rst",
            category="0 Recommendation",
            labels={"figure": "recommendation"},
        ),
    log:
        "<logs>/recommend.log",
    conda:
        environment
    params:
        n_parameters=plan.n_parameters,
        seed=plan.seed,
    script:
        "../scripts/recommend.py"
