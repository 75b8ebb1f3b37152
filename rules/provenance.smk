"""How the results came about."""


rule provenance:
    """What made the results, and from what: enough to repeat the run and to check it."""
    input:
        MADE,
        tables=[*collect("<results>/tables/{table}.csv", table=TABLES), *CRITERIA.values()],
        modules=modules("provenance.py"),
    output:
        "<results>/provenance.json",
    log:
        "<logs>/provenance.log",
    conda:
        environment
    params:
        # No output: a run may take it for its config, and Snakemake removes old outputs first.
        resolved=f"{plan.results}/{ownership.RECORDED_CONFIG}",
        config=addresses.redacted_config(plan.config)[0],
        put_back=addresses.redacted_config(plan.config)[1],
        configs=lambda wildcards: CONFIGS,
        sheet=lambda wildcards: plan.sheet,
        stamp=lambda wildcards: stamped([*CONFIGS, *plan.sheet]),
        methods=RECIPES,
        logs=layout.logs(plan),
    script:
        "../scripts/provenance.py"
