"""Images behind addresses: each is downloaded by a job of its own, so that it fails alone."""


rule download:
    """Fetch an image; the file goes once all that read it are done."""
    input:
        modules=modules("download.py"),
    output:
        # A failure record in place of the image where it can't be had.
        file=temp("<results>/downloads/{image}"),
    log:
        "<logs>/download/{image}.log",
    # Work on what is there comes first: it frees the disk.
    priority: -1
    # Nodes of a cluster often have no way out to the net.
    localrule: True
    conda:
        environment
    params:
        # The address itself, which may hold a password, is looked up by the job.
        image="{image}",
        stamp=lambda wildcards: stamps([wildcards.image]),
    script:
        "../scripts/download.py"
