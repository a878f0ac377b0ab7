"""Published programmes as data. Each says where its rules stand, and which numbers we could not read there.

"As commonly described" means: not read in the tariff or manual itself. An operator who pays by one of these
must hold it against the text in force, and writes its own with `dataclasses.replace`.
"""

from controller.baselines.history import DayKind
from controller.baselines.rules import (
    ANY_DAY,
    WEEKDAYS,
    WEEKEND,
    Adjustment,
    AdjustmentKind,
    ControlGroup,
    DayMatching,
    DayRule,
    MeterAround,
    Pick,
    PreperiodAdjustment,
    Programme,
    Stretch,
    TooLittle,
)

_SECOND_TO_FOURTH_HOUR = Stretch(far=240, near=60)
"""before the event; the hour next to it is a buffer"""

METER_BEFORE = Programme(
    name="meter before",
    source=(
        "NAESB WEQ-015, performance evaluation type Meter Before / Meter After; the 15 minutes are ours, "
        "as in live_meter"
    ),
    method=MeterAround(before=Stretch(far=15, near=0)),
)

METER_BEFORE_AND_AFTER = Programme(
    name="meter before and after (3+2)",
    source=(
        "PJM Manual 11, Same Day (3+2): three hours before and two hours after the event, one hour skipped "
        "on either side (as reported by RTO Insider when members agreed to it; manual not read)"
    ),
    method=MeterAround(before=Stretch(far=240, near=60), after=Stretch(far=180, near=60)),
)

CAISO_10_IN_10 = Programme(
    name="CAISO 10 in 10",
    source=(
        "California ISO tariff 4.13.4, ten-in-ten with load point adjustment. Read: 10 of 10 and 20 % "
        "same-day adjustment, in the Baseline Accuracy Work Group's draft proposal (4 April 2017), section "
        "1. As commonly described: 45 days, at least 5 weekdays, 4 other days, event days with the highest "
        "use fill up, second to fourth hour before the event"
    ),
    method=DayMatching(
        days=(
            DayRule(WEEKDAYS, gather=10, use=10, look_back_days=45, at_least=5),
            DayRule(WEEKEND, gather=4, use=4, look_back_days=45, at_least=4),
        ),
        adjustment=Adjustment(
            AdjustmentKind.MULTIPLICATIVE, before=_SECOND_TO_FOURTH_HOUR, lowest_ratio=0.8, highest_ratio=1.2
        ),
        too_little=(TooLittle.EVENT_DAYS_FILL_UP,),
    ),
)

HIGH_5_OF_10 = Programme(
    name="high 5 of 10",
    source=(
        "California ISO tariff amendment ESDER 2 (17 August 2018), 5-in-10 for homes. Read: 5 highest of "
        "10 weekdays and 3 highest of 5 other days (weighted mean), no event or outage days, adjusted by "
        "hours before and after, in the questions and answers of PG&E Power Saver Rewards. As commonly "
        "described: weights 50, 30, 20 %; two hours before and after with two hours' buffer; ratio between "
        "1/1.4 and 1.4; 45 days; at least 5 weekdays and 3 other days"
    ),
    method=DayMatching(
        days=(
            DayRule(WEEKDAYS, gather=10, use=5, look_back_days=45, at_least=5, pick=Pick.HIGHEST),
            DayRule(
                WEEKEND,
                gather=5,
                use=3,
                look_back_days=45,
                at_least=3,
                pick=Pick.HIGHEST,
                weights=(0.5, 0.3, 0.2),
            ),
        ),
        adjustment=Adjustment(
            AdjustmentKind.MULTIPLICATIVE,
            before=Stretch(far=240, near=120),
            after=Stretch(far=240, near=120),
            lowest_ratio=1 / 1.4,
            highest_ratio=1.4,
        ),
        too_little=(TooLittle.EVENT_DAYS_FILL_UP,),
    ),
)

NYISO_AVERAGE_DAY = Programme(
    name="NYISO average day, adjusted",
    source=(
        "NYISO Manual 7, Emergency Demand Response Program, section 5.2, average day CBL with weather-"
        "sensitive adjustment. As commonly described throughout: 5 highest of 10 weekdays, 2 highest of 3 "
        "like weekend days, beginning two days before, days of at most 25 % of the usual use left out "
        "(seed: highest hour of 30 days), two hours beginning four hours before, ratio between 0.8 and "
        "1.2. Our reading: 30 days of look-back, and the usual use is the mean of the days taken so far, "
        "without the seed"
    ),
    method=DayMatching(
        days=(
            DayRule(
                WEEKDAYS,
                gather=10,
                use=5,
                look_back_days=30,
                at_least=5,
                pick=Pick.HIGHEST,
                begins_days_before=2,
                low_usage_share=0.25,
            ),
            *(
                DayRule(
                    frozenset({kind}),
                    gather=3,
                    use=2,
                    look_back_days=30,
                    at_least=2,
                    pick=Pick.HIGHEST,
                    begins_days_before=2,
                )
                for kind in (DayKind.SATURDAY, DayKind.SUNDAY_OR_HOLIDAY)
            ),
        ),
        adjustment=Adjustment(
            AdjustmentKind.MULTIPLICATIVE,
            before=Stretch(far=240, near=120),
            lowest_ratio=0.8,
            highest_ratio=1.2,
        ),
        too_little=(TooLittle.FEWER_DAYS,),
    ),
)

PJM_HIGH_4_OF_5 = Programme(
    name="PJM high 4 of 5, additive",
    source=(
        "PJM Manual 11 and Operating Agreement, economic load response, 3 day types with symmetric "
        "additive adjustment. As commonly described throughout: 4 highest of 5 weekdays, 2 highest of 3 "
        "Saturdays and of 3 Sundays or holidays, 45 days, three hours before with one hour skipped, no "
        "cap. Left out: the rule that drops days of low use"
    ),
    method=DayMatching(
        days=(
            DayRule(WEEKDAYS, gather=5, use=4, look_back_days=45, at_least=4, pick=Pick.HIGHEST),
            *(
                DayRule(frozenset({kind}), gather=3, use=2, look_back_days=45, at_least=2, pick=Pick.HIGHEST)
                for kind in (DayKind.SATURDAY, DayKind.SUNDAY_OR_HOLIDAY)
            ),
        ),
        adjustment=Adjustment(AdjustmentKind.ADDITIVE, before=_SECOND_TO_FOURTH_HOUR),
        too_little=(TooLittle.EVENT_DAYS_FILL_UP,),
    ),
)

TEN_OF_TEN = Programme(
    name="10 of 10, additive",
    source=(
        "ISO New England, mean 10 of 10 (replaced the 90/10 baseline, filing of 29 October 2015); AEMO "
        "Baseline Methodology Register, 10 of 10 of business days. Read: 10 of the most recent 10 eligible "
        "days, business and other days apart. As commonly described: additive adjustment from the hours "
        "before, within 20 %; 45 days. Ours: meter before and after where the history is too short"
    ),
    method=DayMatching(
        days=(
            DayRule(WEEKDAYS, gather=10, use=10, look_back_days=45, at_least=5),
            DayRule(WEEKEND, gather=10, use=10, look_back_days=45, at_least=4),
        ),
        adjustment=Adjustment(
            AdjustmentKind.ADDITIVE, before=_SECOND_TO_FOURTH_HOUR, lowest_ratio=0.8, highest_ratio=1.2
        ),
        too_little=(TooLittle.FALL_BACK,),
    ),
    fall_back=MeterAround(before=Stretch(far=240, near=60), after=Stretch(far=180, near=60)),
)

TEN_OF_TEN_ALL_DAYS = Programme(
    name="10 of 10 of all days",
    source="AEMO Baseline Methodology Register, All Days; numbers as for 10 of 10 of business days",
    method=DayMatching(
        days=(DayRule(ANY_DAY, gather=10, use=10, look_back_days=45, at_least=5),),
        adjustment=Adjustment(
            AdjustmentKind.ADDITIVE, before=_SECOND_TO_FOURTH_HOUR, lowest_ratio=0.8, highest_ratio=1.2
        ),
        too_little=(TooLittle.FALL_BACK,),
    ),
    fall_back=MeterAround(before=Stretch(far=240, near=60), after=Stretch(far=180, near=60)),
)

MIDDLE_4_OF_6 = Programme(
    name="middle 4 of 6",
    source=(
        "Korea Power Exchange, Mid (4/6): of six similar days the highest and the lowest are left out. As "
        "commonly described: that, and an additive adjustment from the hours before. Ours: middle 2 of 4 "
        "on other days, 45 days of look-back, fewer days rather than none, no cap. ERCOT's Middle 8 of 10 "
        "is the same rule with other numbers"
    ),
    method=DayMatching(
        days=(
            DayRule(WEEKDAYS, gather=6, use=4, look_back_days=45, at_least=6, pick=Pick.MIDDLE),
            DayRule(WEEKEND, gather=4, use=2, look_back_days=45, at_least=4, pick=Pick.MIDDLE),
        ),
        adjustment=Adjustment(AdjustmentKind.ADDITIVE, before=_SECOND_TO_FOURTH_HOUR),
        too_little=(TooLittle.FEWER_DAYS,),
    ),
)

CONTROL_GROUP = Programme(
    name="control group",
    source=(
        "California ISO tariff amendment ESDER 2 (17 August 2018) and Baseline Accuracy Assessment (20 "
        "November 2017), control groups with statistical checks of their validity. As commonly described: "
        "at least 150 customers, 20 similar days of 75, bias and scatter limited. Ours: 5 % bias and 10 % "
        "CVRMSE of the event's energy; level from the older half of the days, judged on the newer; else "
        "meter before and after"
    ),
    method=ControlGroup(
        days=(
            DayRule(WEEKDAYS, gather=40, use=40, look_back_days=75, at_least=20),
            DayRule(WEEKEND, gather=20, use=20, look_back_days=75, at_least=10),
        ),
        preperiod=PreperiodAdjustment.RATIO,
        customers_at_least=150,
        most_bias_percent=5.0,
        most_cvrmse_percent=10.0,
    ),
    fall_back=MeterAround(before=Stretch(far=240, near=60), after=Stretch(far=180, near=60)),
)

PROGRAMMES: tuple[Programme, ...] = (
    HIGH_5_OF_10,
    TEN_OF_TEN,
    TEN_OF_TEN_ALL_DAYS,
    CAISO_10_IN_10,
    NYISO_AVERAGE_DAY,
    PJM_HIGH_4_OF_5,
    MIDDLE_4_OF_6,
    METER_BEFORE,
    METER_BEFORE_AND_AFTER,
    CONTROL_GROUP,
)
"""Every programme that we describe; names are unique."""
