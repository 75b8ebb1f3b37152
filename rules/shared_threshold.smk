"""Thresholds that images share: first what each would get by itself, then one for all of them."""


rule own_threshold:
    """What threshold an image would get by itself."""
    input:
        foreground=upstream("mask", "foreground"),
        denoised=upstream("mask", "denoised"),
        plane="<results>/image/{image}.tif",
        facts="<results>/image/{image}.json",
        modules=modules("own_threshold.py"),
    output:
        record="<results>/own_threshold/{mask}/{image}.json",
    log:
        "<logs>/own_threshold/{mask}/{image}.log",
    conda:
        environment
    resources:
        mem_mb=for_image(batches.memory_mb),
    params:
        parameters=parameters("mask"),
        fingerprint=lambda wildcards: FINGERPRINTS.own_threshold(wildcards.mask, wildcards.image),
    script:
        "../scripts/own_threshold.py"


rule thresholds:
    """The same for the images of a batch, in memory."""
    input:
        remote=lambda wildcards: remote(plan.batches[wildcards.batch]),
        modules=with_estimator("thresholds.py"),
    output:
        piece="<results>/thresholds/{batch}/{background}.jsonl",
    log:
        "<logs>/thresholds/{batch}/{background}.log",
    conda:
        environment
    resources:
        mem_mb=for_batch(batches.memory_mb),
        runtime=for_batch(batches.minutes),
    params:
        sources=lambda wildcards, input: local(plan.batches[wildcards.batch], input.remote),
        work=lambda wildcards: plan.batch(wildcards.batch, wildcards.background),
        stamps=lambda wildcards: stamps(plan.batches[wildcards.batch]),
        fingerprint=lambda wildcards: FINGERPRINTS.thresholds(wildcards.batch, wildcards.background),
        masks=lambda wildcards: plan.asked(wildcards.batch, wildcards.background),
    script:
        "../scripts/thresholds.py"


rule share_threshold:
    """The median of these thresholds, for images that share one."""
    input:
        own=lambda wildcards: layout.own_thresholds(plan, wildcards.mask, wildcards.pool),
        modules=modules("share_threshold.py"),
    output:
        record="<results>/shared_threshold/{mask}/{pool}.json",
    log:
        "<logs>/share_threshold/{mask}/{pool}.log",
    conda:
        environment
    params:
        images=lambda wildcards: plan.members(wildcards.mask, wildcards.pool),
        fingerprint=lambda wildcards: FINGERPRINTS.shared(wildcards.mask, wildcards.pool),
    script:
        "../scripts/share_threshold.py"
