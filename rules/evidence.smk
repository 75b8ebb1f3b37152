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


rule evidence:
    """Planted spots, a decoy and residuals: what tells on a method where nothing is annotated."""
    input:
        sources=lambda wildcards: list(map(file_of, plan.sampled[wildcards.part])),
        modules=with_estimator("evidence.py"),
    output:
        piece="<results>/evidence/{part}.jsonl",
    log:
        "<logs>/evidence/{part}.log",
    conda:
        "../envs/environment.yaml"
    resources:
        mem_mb=for_evidence(batches.evidence_memory_mb),
        runtime=for_evidence(batches.evidence_minutes),
    params:
        work=lambda wildcards: plan.gathering(wildcards.part),
    script:
        "../scripts/evidence.py"


rule collect_evidence:
    """The evidence of all images as tables; how bright a spot must be for each method."""
    input:
        counts="<results>/tables/counts.csv",
        pieces=paths.evidence(plan),
        modules=modules("collect_evidence.py"),
    output:
        recovery=table("recovery"),
        completeness=table("completeness"),
        false_spots=table("false_spots"),
        residuals=table("residuals"),
    log:
        "<logs>/collect_evidence.log",
    conda:
        "../envs/environment.yaml"
    params:
        blanks=plan.blanks,
        settings=plan.evidence,
    script:
        "../scripts/collect_evidence.py"


rule evidence_figures:
    """Recovery by contrast, false spots and residuals: the methods side by side."""
    input:
        recovery="<results>/tables/recovery.csv",
        completeness="<results>/tables/completeness.csv",
        false_spots="<results>/tables/false_spots.csv",
        residuals="<results>/tables/residuals.csv",
        modules=modules("evidence_figures.py"),
    output:
        completeness=report(
            "<results>/figures/completeness.png",
            caption="../report/completeness.rst",
            category="4 Evidence",
            labels={"figure": "completeness"},
        ),
        false_spots=report(
            "<results>/figures/false_spots.png",
            caption="../report/false_spots.rst",
            category="4 Evidence",
            labels={"figure": "false spots and residuals"},
        ),
    log:
        "<logs>/evidence_figures.log",
    conda:
        "../envs/environment.yaml"
    script:
        "../scripts/evidence_figures.py"
