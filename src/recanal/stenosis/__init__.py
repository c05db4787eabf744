"""How narrow are the other vessels? Degree of stenosis along every artery, with intervals."""

from recanal.stenosis.course import Course
from recanal.stenosis.grading import Stenosis, VesselGrade, cad_rads_category, grade_courses

__all__ = ["Course", "Stenosis", "VesselGrade", "cad_rads_category", "grade_courses"]
