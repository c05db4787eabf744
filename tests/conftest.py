"""Puts this folder on the import path, so that every test folder has ``analytic_tube`` and ``dicom_builder``."""
