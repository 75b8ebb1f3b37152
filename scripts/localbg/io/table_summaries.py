"""What a row of each table is, and what the table is for."""

SUMMARIES = {
    "images": "One row per image: how it went, how the file is stored, its pixel size and spot "
    "radius, and what is odd about its grey levels.",
    "spots": "One row per spot, of all methods: position, width and brightness, how much it looks "
    "like a spot, and what is odd about it. A spot that is flagged counts all the same.",
    "counts": "One row per image and method: number of spots, the threshold that led to it, and "
    "what the shapes of the spots say: their radius, measured on the raw image, and the shares "
    "that are narrow (hot pixels), wide (out of focus, dirt) and saturated.",
    "comparison": "One row per image, with the methods side by side: the number of spots of each "
    "method, the median of these (count_median), and the highest minus the lowest (count_spread).",
    "agreement": "One row per image and pair of methods: the spots that the two share.",
    "recommendation": "One row per method, the best first, ranked by the strongest criterion "
    "there is: truth, then injected spots, false positives, residuals, stability. Methods without "
    "a real difference share a rank. Counts have no say.",
    "reliability": "One row per image that there is a criterion for: which methods are reliable on "
    "it, and which are not. What holds over all images need not hold on each.",
    "look_first": "One row per image to look at first. These images failed, their grey levels are "
    "odd, no method does well on them or finds anything, the methods disagree on their spots, the "
    "spots are narrow as hot pixels, far too wide or of another size than the spot radius, or "
    "their count is far from that of the others of their group.",
    "groups": "One row per group and method: how many spots there are in the group's images, with "
    "an interval from resampled images. A method's counts can be compared between groups; which "
    "method is right, counts don't say.",
    "stability": "One row per listed value of a sweep: how the count depends on the parameter. A "
    "slope of 1 means that 1 % more of the parameter changes the count by 1 %; on a plateau the "
    "count changes by 10 % at most.",
    "methods": "One row per method and listed value. The methods of a sweep come from one name in "
    "the config, with a value of each listed parameter.",
    "parameters": "One row per image and method: what each step took, empty where the image "
    "failed. Beside the columns below there is one for each parameter of a step, named after "
    "both, such as background_radius: lengths in pixels, areas in square pixels.",
    "accuracy": "One row per image and method, of images whose true spots are known: how far the "
    "method is from the truth. An image whose truth can't be used has no numbers, but the reason.",
    "accuracy_pooled": "One row per method: how far it is from the truth over all images whose "
    "true spots are known. Scores are made of sums over the images; each has an interval that "
    "holds it with 95 % certainty, from resampled images or, of a single image, from its "
    "resampled spots.",
    "accuracy_differences": "One row per pair of methods: how much better one is than the other "
    "on the same images. Only where the interval of the difference leaves out 0 is one of them "
    "better.",
    "crossvalidation": "One row per sweep and group left out: what a choice of method is worth. "
    "The method that is best on all groups but one is scored on that one; the difference is what "
    "choosing by these images promised too much.",
    "completeness": "One row per method and local background, of all images together, of each "
    "group and of each image: the contrasts at which 50 % and 90 % of the injected spots are "
    "recovered.",
    "recovery": "One row per image, method, local background and contrast: how many spots of that "
    "amplitude were injected, and how many of them were recovered.",
    "false_positives": "One row per image, method and kind: the spots detected where there are "
    "none, in blank images and in decoys. Decoys give an estimate, and are blind to hot pixels, to "
    "dirt and to texture that is bright only.",
    "residuals": "One row per image and method: what the method left in the wrong place, spots in "
    "the background and background in the foreground.",
    "failures": "One row per image that failed, or on which some methods did: the step, and why.",
    "columns": "One row per column of each table: its type, unit and meaning.",
}
