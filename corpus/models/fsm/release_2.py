from django_fsm import FSMIntegerField
from model_utils.models import TimeStampedModel


class Parcel(TimeStampedModel):
    state = FSMIntegerField(default=1, protected=True)
