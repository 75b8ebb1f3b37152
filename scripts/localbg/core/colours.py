"""Colours that tell methods apart, the same in figures and exports."""

# Of Okabe and Ito, and Tol: colour-blind people can tell them apart. One for each method, in order.
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#882255", "#000000")
