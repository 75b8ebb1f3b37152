"""Pictures: what each method made of an image, and all images at once."""


rule panels:
    """What each method made of an image: the place to see which one to trust."""
    input:
        unpack(drawn),
        modules=modules("panels.py"),
    output:
        figure=report(
            "<results>/figures/panels/{image}.png",
            caption="../report/panels.rst",
            category="2 Images",
            labels={"image": "{image}", "figure": "panels"},
        ),
        record="<results>/figures/panels/{image}.json",
    log:
        "<logs>/panels/{image}.log",
    conda:
        environment
    resources:
        mem_mb=for_image(batches.memory_mb),
    params:
        recipes=lambda wildcards: plan.recipes(wildcards.image),
        spot_radius=lambda wildcards: plan.images[wildcards.image].spot_radius,
        truth=lambda wildcards: plan.with_truth.get(wildcards.image),
        stamp=lambda wildcards: stamped(filter(None, [plan.with_truth.get(wildcards.image)])),
    script:
        "../scripts/panels.py"


rule profiles:
    """Rows of pixels through the brightest spots: does the background pass under them?"""
    input:
        unpack(drawn),
        modules=modules("profiles.py"),
    output:
        figure=report(
            "<results>/figures/profiles/{image}.png",
            caption="../report/profiles.rst",
            category="2 Images",
            labels={"image": "{image}", "figure": "profiles"},
        ),
        record="<results>/figures/profiles/{image}.json",
    log:
        "<logs>/profiles/{image}.log",
    conda:
        environment
    resources:
        mem_mb=for_image(batches.memory_mb),
    params:
        recipes=lambda wildcards: plan.recipes(wildcards.image),
        spot_radius=lambda wildcards: plan.images[wildcards.image].spot_radius,
    script:
        "../scripts/profiles.py"


rule overview:
    """All images at once: how many spots, and do the methods agree on them?"""
    input:
        counts="<results>/tables/counts.csv",
        agreement="<results>/tables/agreement.csv",
        accuracy="<results>/tables/accuracy.csv" if plan.with_truth else [],
        modules=modules("overview.py"),
    output:
        counts=report(
            "<results>/figures/counts.png",
            caption="../report/counts.rst",
            category="1 Counts",
            labels={"figure": "counts"},
        ),
        agreement=report(
            "<results>/figures/agreement.png",
            caption="../report/agreement.rst",
            category="1 Counts",
            labels={"figure": "agreement"},
        ),
    log:
        "<logs>/overview.log",
    conda:
        environment
    script:
        "../scripts/overview.py"


rule sweep:
    """Count and scores over the swept parameters."""
    input:
        counts="<results>/tables/counts.csv",
        methods="<results>/tables/methods.csv",
        stability="<results>/tables/stability.csv",
        accuracy=CRITERIA.get("accuracy_pooled", []),
        recovery=CRITERIA.get("recovery", []),
        false_positives=CRITERIA.get("false_positives", []),
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
