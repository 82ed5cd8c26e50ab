"""Published figures that the simulator is calibrated to, each with the id of its source in the case facts.

Ids BOR... are the borrower facts of the project's case file. Those of PPDai describe its open sample of
328,553 loans (2015-01 to 2017-01) and come from published analyses of that sample; those of Renrendai are a
tabulation of 9,757 listings. They are two populations. The joint distribution of the attributes and the
strength of their effects are published nowhere: they are assumptions, named in
:data:`p2prisk.simulate.loans.EFFECTS`, and are meant to be varied.
"""

#: Share of loans by grade. B, C, D: BOR016, BOR015, BOR014. A, E and F are published together (8.8 %, BOR017)
#: and are split here in proportion to the instalment value due in each (BOR036, BOR040, BOR041).
GRADE_SHARES = {"A": 0.0584, "B": 0.101, "C": 0.401, "D": 0.410, "E": 0.0259, "F": 0.0037}

#: Late or unpaid share of the instalment value due, by grade (BOR036 to BOR041).
LATE_VALUE_SHARES = {"A": 0.0678, "B": 0.0722, "C": 0.1089, "D": 0.1429, "E": 0.2291, "F": 0.2733}

#: State of a loan at the record date of the sample: never late (BOR030), late and cured (BOR032), late and
#: unpaid (BOR033). Right-censored: many loans were still running.
RECORD_DATE_SHARES = {"never late": 0.7004, "late, cured": 0.241, "late, unpaid": 0.058}

#: Share of matured loans that were late at least once (BOR035); not a target, a check.
MATURED_EVER_LATE = 0.400

#: Quartiles (BOR003, in CNY) of the amount. The log-normal law with this median and this ratio of the outer
#: quartiles has those quartiles within 5 % and a mean within 2 % of the published 4,424.
AMOUNT_QUARTILES = (2033.0, 3397.0, 5230.0)

#: Term in months. 12: BOR018, 6: BOR019; the rest (8.8 %) is spread so that the mean is 10.2 (BOR004).
TERM_SHARES = {12: 0.655, 6: 0.257, 9: 0.05, 3: 0.02, 18: 0.018}

#: Annual rate: 22 % BOR020, 20 % BOR021, 18 % BOR022; the remaining 7.7 % is put at 16 and 24 (assumption).
RATE_SHARES = {0.16: 0.039, 0.18: 0.118, 0.20: 0.385, 0.22: 0.420, 0.24: 0.038}

#: Age: mean and standard deviation in years (BOR006), bounds 17 and 56.
AGE = (29.14, 6.62, 17, 56)

MALE_SHARE = 0.676  # BOR012
FIRST_LOAN_SHARE = 0.266  # BOR026

#: Verification: phone only BOR027, none BOR028, phone and education BOR029, the rest "other".
VERIFICATION_SHARES = {"none": 0.401, "phone": 0.407, "phone and education": 0.154, "other": 0.038}

#: Renrendai listings, missing values left out and shares rescaled: education BOR092 to BOR095, marriage
#: BOR097 to BOR100, monthly income in CNY BOR085 to BOR090, years of work BOR102 to BOR105.
EDUCATION_SHARES = {"high school or below": 33.3, "junior college": 39.6, "undergraduate": 18.8, "master or above": 1.5}
MARRIAGE_SHARES = {"married": 50.9, "single": 41.4, "divorced": 5.8, "widowed": 0.3}
INCOME_SHARES = {"under 2k": 1.2, "2-5k": 29.4, "5-10k": 29.6, "10-20k": 12.6, "20-50k": 7.8, "over 50k": 4.7}
WORK_YEARS_SHARES = {"under 1": 32.2, "1-3": 28.9, "3-5": 9.0, "over 5": 11.2}

#: Lenders: average holding in CNY, industry-wide, mid-2018 (IND061).
HOLDING_PER_LENDER = 22788.0

#: Costs of Net Credit Group in 2018 as shares of net revenue: servicing 1.5 %, sales and marketing 58.9 %
#: (NCG051). Used only as the end point of the scenario "management".
SERVICING_SHARE_2018 = 0.015
MARKETING_SHARE_2018 = 0.589
