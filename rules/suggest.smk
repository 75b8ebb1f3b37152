"""A place to start from."""


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
