"""The verdict and what leads to it: sweeps, groups, images to look at, a place to start from."""


rule methods:
    """Which listed values make the methods of a sweep."""
    input:
        modules=modules("methods.py"),
    output:
        table("methods"),
    log:
        "<logs>/methods.log",
    conda:
        environment
    params:
        settings=plan.settings(),
    script:
        "../scripts/methods.py"


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


rule sweep:
    """Count and scores over the swept parameters."""
    input:
        counts="<results>/tables/counts.csv",
        methods="<results>/tables/methods.csv",
        stability="<results>/tables/stability.csv",
        accuracy=VERDICT.get("accuracy_pooled", []),
        recovery=VERDICT.get("recovery", []),
        false_spots=VERDICT.get("false_spots", []),
        modules=modules("sweep.py"),
    output:
        figure=report(
            "<results>/figures/sweeps/{sweep}.png",
            caption="../report/sweep.rst",
            category="1 Counts",
            labels={"figure": "sweep {sweep}"},
        ),
    log:
        "<logs>/sweep/{sweep}.log",
    conda:
        environment
    params:
        seed=plan.seed,
    script:
        "../scripts/sweep.py"


rule groups:
    """How many spots there are in the images of a group, and how sure that is."""
    input:
        counts="<results>/tables/counts.csv",
        modules=modules("groups.py"),
    output:
        table("groups"),
    log:
        "<logs>/groups.log",
    conda:
        environment
    params:
        seed=plan.seed,
    script:
        "../scripts/groups.py"


rule look_first:
    """Which images to look at first, and why."""
    input:
        images="<results>/tables/images.csv",
        counts="<results>/tables/counts.csv",
        agreement="<results>/tables/agreement.csv",
        accuracy=VERDICT.get("accuracy", []),
        modules=modules("look_first.py"),
    output:
        table("look_first"),
    log:
        "<logs>/look_first.log",
    conda:
        environment
    params:
        blanks=plan.blanks,
    script:
        "../scripts/look_first.py"


rule recommend:
    """The verdict: methods ranked by the strongest evidence there is, never by counts."""
    input:
        **VERDICT,
        images="<results>/tables/images.csv",
        counts="<results>/tables/counts.csv",
        modules=modules("recommend.py"),
    output:
        table=table("recommendation"),
        of_images=table("trust"),
        figure=report(
            "<results>/figures/recommendation.png",
            caption="../report/recommendation.rst",
            category="0 Verdict",
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


rule suggest:
    """A config to start from (snakemake suggest): radius of the spots, sizes of the filters."""
    input:
        remote=remote(plan.sample()),
        modules=modules("suggest.py"),
    output:
        config="<results>/suggest/config.yaml",
        images="<results>/suggest/images.csv",
        backgrounds="<results>/suggest/backgrounds.csv",
        figure=report(
            "<results>/figures/suggest.png",
            caption="../report/suggest.rst",
            category="5 Proposal",
            labels={"figure": "proposal"},
        ),
    log:
        "<logs>/suggest.log",
    conda:
        environment
    params:
        sources=lambda wildcards, input: local(plan.sample(), input.remote),
        rows=[{"image": image, "picks": plan.picks(image)} for image in plan.sample()],
        stamps=lambda wildcards: stamps(plan.sample()),
        polarity=plan.polarity,
    script:
        "../scripts/suggest.py"
