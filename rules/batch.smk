"""All steps in memory, one job for many images."""


rule batch:
    """Many images through all methods that share a background, in memory: for hundreds and more."""
    input:
        remote=lambda wildcards: remote(plan.batches[wildcards.batch]),
        shared=lambda wildcards: layout.shared_thresholds(
            plan, plan.batches[wildcards.batch], wildcards.background
        ),
        modules=with_estimator("batch.py"),
    output:
        piece="<results>/batches/{batch}/{background}.jsonl",
    log:
        "<logs>/batch/{batch}/{background}.log",
    conda:
        environment
    resources:
        mem_mb=for_batch(batches.memory_mb),
        runtime=for_batch(batches.minutes),
    params:
        sources=lambda wildcards, input: local(plan.batches[wildcards.batch], input.remote),
        work=lambda wildcards: plan.batch(wildcards.batch, wildcards.background),
        stamps=lambda wildcards: stamps(plan.batches[wildcards.batch]),
        fingerprint=lambda wildcards: FINGERPRINTS.batch(wildcards.batch, wildcards.background),
    script:
        "../scripts/batch.py"
