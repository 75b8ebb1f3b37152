"""How good each method is where no truth is known."""


rule evidence:
    """Planted spots, a decoy and residuals: what tells on a method where nothing is annotated."""
    input:
        remote=lambda wildcards: remote(plan.sampled[wildcards.part]),
        shared=lambda wildcards: layout.shared_thresholds(plan, plan.sampled[wildcards.part]),
        modules=with_estimator("evidence.py"),
    output:
        piece="<results>/evidence/{part}.jsonl",
    log:
        "<logs>/evidence/{part}.log",
    conda:
        environment
    resources:
        mem_mb=for_evidence(batches.evidence_memory_mb),
        runtime=for_evidence(batches.evidence_minutes),
    params:
        sources=lambda wildcards, input: local(plan.sampled[wildcards.part], input.remote),
        work=lambda wildcards: plan.gathering(wildcards.part),
        stamps=lambda wildcards: stamps(plan.sampled[wildcards.part]),
        fingerprint=lambda wildcards: FINGERPRINTS.evidence(wildcards.part),
    script:
        "../scripts/evidence.py"


rule collect_evidence:
    """The evidence of all images as tables; how bright a spot must be for each method."""
    input:
        counts="<results>/tables/counts.csv",
        pieces=layout.evidence(plan),
        modules=modules("collect_evidence.py"),
    output:
        recovery=table("recovery"),
        completeness=table("completeness"),
        false_spots=table("false_spots"),
        residuals=table("residuals"),
    log:
        "<logs>/collect_evidence.log",
    conda:
        environment
    params:
        blanks=plan.blanks,
        settings=plan.evidence | {"seed": plan.seed},
        fingerprints=lambda wildcards: [FINGERPRINTS.evidence(part) for part in plan.sampled],
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
        environment
    script:
        "../scripts/evidence_figures.py"
