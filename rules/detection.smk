"""The steps, one job for each image and step."""


rule read:
    """Pick the plane once, so that every step after it sees rows and columns."""
    input:
        remote=lambda wildcards: remote([wildcards.image]),
        modules=modules("read.py"),
    output:
        plane="<results>/image/{image}.tif",
        record="<results>/image/{image}.json",
    log:
        "<logs>/read/{image}.log",
    conda:
        environment
    resources:
        mem_mb=for_image(batches.memory_mb),
    params:
        source=lambda wildcards, input: local([wildcards.image], input.remote)[0],
        picks=lambda wildcards: plan.picks(wildcards.image),
        when_planned=lambda wildcards: plan.stamp(wildcards.image),
        fingerprint=lambda wildcards: FINGERPRINTS.image(wildcards.image),
    script:
        "../scripts/read.py"


rule denoise:
    """Small-radius filter: suppress noise, keep spots."""
    input:
        plane="<results>/image/{image}.tif",
        modules=modules("denoise.py"),
    output:
        denoised="<results>/denoised/{denoised}/{image}.tif",
        record="<results>/denoised/{denoised}/{image}.json",
    log:
        "<logs>/denoise/{denoised}/{image}.log",
    conda:
        environment
    resources:
        mem_mb=for_image(batches.memory_mb),
    params:
        parameters=parameters("denoised"),
        fingerprint=fingerprint("denoised"),
    script:
        "../scripts/denoise.py"


rule background:
    """Big-radius filter: the structure must survive, the spots must not."""
    input:
        source=upstream("background", "denoised"),
        modules=with_estimator("background.py"),
    output:
        background="<results>/background/{background}/{image}.tif",
        record="<results>/background/{background}/{image}.json",
    log:
        "<logs>/background/{background}/{image}.log",
    conda:
        environment
    resources:
        mem_mb=for_image(batches.memory_mb),
    params:
        parameters=parameters("background"),
        fingerprint=fingerprint("background"),
    script:
        "../scripts/background.py"


rule subtract:
    """The foreground: signed, so that what the background got wrong stays visible."""
    input:
        denoised=upstream("foreground", "denoised"),
        background=upstream("foreground", "background"),
        modules=modules("subtract.py"),
    output:
        foreground="<results>/foreground/{foreground}/{image}.tif",
        record="<results>/foreground/{foreground}/{image}.json",
    log:
        "<logs>/subtract/{foreground}/{image}.log",
    conda:
        environment
    resources:
        mem_mb=for_image(batches.memory_mb),
    params:
        parameters=parameters("foreground"),
        fingerprint=fingerprint("foreground"),
    script:
        "../scripts/subtract.py"


rule threshold:
    """Which pixels stand out, and what decided it."""
    input:
        foreground=upstream("mask", "foreground"),
        denoised=upstream("mask", "denoised"),
        plane="<results>/image/{image}.tif",
        facts="<results>/image/{image}.json",
        shared=lambda wildcards: layout.shared_threshold(plan, wildcards.mask, wildcards.image)
        or [],
        modules=modules("threshold.py"),
    output:
        mask="<results>/mask/{mask}/{image}.tif",
        record="<results>/mask/{mask}/{image}.json",
    log:
        "<logs>/threshold/{mask}/{image}.log",
    conda:
        environment
    resources:
        mem_mb=for_image(batches.memory_mb),
    params:
        parameters=parameters("mask"),
        fingerprint=fingerprint("mask"),
    script:
        "../scripts/threshold.py"


rule spots:
    """Clean the mask, split touching spots, measure each on the raw image."""
    input:
        plane="<results>/image/{image}.tif",
        background=upstream("labels", "background"),
        foreground=upstream("labels", "foreground"),
        mask=upstream("labels", "mask"),
        threshold=lambda wildcards: upstream("labels", "mask")(wildcards).replace(".tif", ".json"),
        facts="<results>/image/{image}.json",
        modules=modules("spots.py"),
    output:
        labels="<results>/labels/{labels}/{image}.tif",
        table="<results>/spots/{labels}/{image}.csv",
        record="<results>/spots/{labels}/{image}.json",
    log:
        "<logs>/spots/{labels}/{image}.log",
    conda:
        environment
    resources:
        mem_mb=for_image(batches.memory_mb),
    params:
        parameters=parameters("labels"),
        spot=lambda wildcards: plan.spot(wildcards.labels, wildcards.image),
        fingerprint=fingerprint("labels"),
    script:
        "../scripts/spots.py"
