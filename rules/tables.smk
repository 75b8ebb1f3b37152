"""What all images come to, as tables."""


rule collect:
    """One row per image, spot, and image and method; a failed image is a row with a reason."""
    input:
        [row["facts"] for row in IMAGES],
        [row[key] for row in RESULTS for key in layout.RECORDS],
        pieces=PIECES,
        modules=modules("collect.py"),
    output:
        images=table("images"),
        spots=table("spots"),
        counts=table("counts"),
        parameters=table("parameters"),
        failures=table("failures"),
        # Taken away at the end of a run in which images failed: the next run tries them again.
        complete=touch("<results>/complete"),
    log:
        "<logs>/collect.log",
    conda:
        environment
    params:
        images=lambda wildcards: FINGERPRINTS.images() if IMAGES else [],
        results=lambda wildcards: FINGERPRINTS.results() if RESULTS else [],
        fingerprints=lambda wildcards: FINGERPRINTS.pieces(),
        methods=RECIPES,
        # A run that was stopped before it could say what failed has it still to say.
        unsaid=closing.unsaid(plan),
    script:
        "../scripts/collect.py"


rule compare:
    """Do the methods agree on the numbers, and on the very spots?"""
    input:
        "<results>/tables/images.csv",
        "<results>/tables/spots.csv",
        "<results>/tables/counts.csv",
        modules=modules("compare.py"),
    output:
        table("comparison"),
        table("agreement"),
    log:
        "<logs>/compare.log",
    conda:
        environment
    script:
        "../scripts/compare.py"


rule columns:
    """What the columns of all tables mean, in which units."""
    input:
        modules=modules("columns.py"),
    output:
        table=table("columns"),
        readme="<results>/tables/README.md",
    log:
        "<logs>/columns.log",
    conda:
        environment
    script:
        "../scripts/columns.py"


rule export:
    """The spots of some images as Fiji, napari and QuPath open them."""
    input:
        images="<results>/tables/images.csv",
        spots="<results>/tables/spots.csv",
        counts="<results>/tables/counts.csv",
        modules=modules("export.py"),
    output:
        directory("<results>/export"),
    log:
        "<logs>/export.log",
    conda:
        environment
    params:
        formats=plan.formats,
        chosen=layout.exported(plan),
    script:
        "../scripts/export.py"


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
        accuracy=CRITERIA.get("accuracy", []),
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
