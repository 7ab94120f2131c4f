"""A DeepLabCut export becomes the fast form: one ONNX file, with proof of parity.

::

    .pt, .pb ──▶ exports ──▶ Network ──▶ graph ──▶ .onnx ──▶ parity ──▶ written
                             maps of a   pixels in,          beside     or not
                             picture     keypoints out       dlclive
"""
