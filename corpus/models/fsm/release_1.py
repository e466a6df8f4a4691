from django_fsm import FSMField
from model_utils import Choices
from model_utils.fields import MonitorField, StatusField
from model_utils.models import SoftDeletableModel, TimeStampedModel


class Parcel(SoftDeletableModel, TimeStampedModel):
    STATUS = Choices("new", "sent")
    status = StatusField()
    state = FSMField(default="new")
    sent_at = MonitorField(monitor="status", when=["sent"])
