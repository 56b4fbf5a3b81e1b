"""Bai, Kolter and Koltun (2018), arXiv 1803.01271: their tasks, networks, printed table and faults.

"PAPER" is "An Empirical Evaluation of Generic Convolutional and Recurrent Networks for Sequence Modeling"; "code" is
github.com/locuslab/TCN at 2f8c2b8.
"""
