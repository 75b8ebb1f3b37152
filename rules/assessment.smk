"""How good each method is where no truth is known."""


rule assess:
    """Injected spots, a decoy and residuals: what tells on a method where nothing is annotated."""
    input:
        remote=lambda wildcards: remote(plan.sampled[wildcards.part]),
        shared=lambda wildcards: layout.shared_thresholds(plan, plan.sampled[wildcards.part]),
        modules=with_estimator("assess.py"),
    output:
        piece="<results>/assessment/{part}.jsonl",
    log:
        "<logs>/assess/{part}.log",
    conda:
        environment
    resources:
        mem_mb=for_assessment(batches.assessment_memory_mb),
        runtime=for_assessment(batches.assessment_minutes),
    params:
        sources=lambda wildcards, input: local(plan.sampled[wildcards.part], input.remote),
        work=lambda wildcards: plan.gathering(wildcards.part),
        stamps=lambda wildcards: stamps(plan.sampled[wildcards.part]),
        fingerprint=lambda wildcards: FINGERPRINTS.assessment(wildcards.part),
    script:
        "../scripts/assess.py"


rule collect_assessment:
    """The assessments of all images as tables; how bright a spot must be for each method."""
    input:
        counts="<results>/tables/counts.csv",
        pieces=layout.assessments(plan),
        modules=modules("collect_assessment.py"),
    output:
        recovery=table("recovery"),
        completeness=table("completeness"),
        false_positives=table("false_positives"),
        residuals=table("residuals"),
    log:
        "<logs>/collect_assessment.log",
    conda:
        environment
    params:
        blanks=plan.blanks,
        settings=plan.assessment | {"seed": plan.seed},
        fingerprints=lambda wildcards: [FINGERPRINTS.assessment(part) for part in plan.sampled],
    script:
        "../scripts/collect_assessment.py"


rule assessment_figures:
    """Recovery by contrast, false positives and residuals: the methods side by side."""
    input:
        recovery="<results>/tables/recovery.csv",
        completeness="<results>/tables/completeness.csv",
        false_positives="<results>/tables/false_positives.csv",
        residuals="<results>/tables/residuals.csv",
        modules=modules("assessment_figures.py"),
    output:
        completeness=report(
            "<results>/figures/completeness.png",
            caption="../report/completeness.rst",
            category="4 Assessment",
            labels={"figure": "completeness"},
        ),
        false_positives=report(
            "<results>/figures/false_positives.png",
            caption="../report/false_positives.rst",
            category="4 Assessment",
            labels={"figure": "false positives and residuals"},
        ),
    log:
        "<logs>/assessment_figures.log",
    conda:
        environment
    script:
        "../scripts/assessment_figures.py"
