"""Headers of public loan files with a few made-up rows, and what each column means.

``python tests/headers.py`` prints, for each file, how many columns have a canonical meaning, how many of them a draft
places, and how many it places wrongly. ``None``: no canonical column means this. Several names: each is right.
No row is a loan of anybody. The tables of Prosper and Lending Club are held to the files themselves by ``test_draft``;
the others to :data:`HEADERS`, the names in the order in which public copies, or programs that open them, have them: no
such file is read here.
"""

import io
import sys

import numpy as np
import pandas as pd

import tape_fixtures as fixtures
from p2prisk.tape.draft import _age_in_days, guess_columns
from p2prisk.tape.mapping import builtin

N = 40
ROW = np.arange(N)
DAY = pd.date_range("2015-01-07", periods=N, freq="9D")


def pick(*values):
    return np.array(values, dtype=object)[ROW % len(values)]


def ramp(low, high, digits=0):
    return np.round(np.linspace(low, high, N)[(ROW * 7) % N], digits)


def whole(low, high):
    return ramp(low, high).astype(int)


def text(series, pattern="%Y-%m-%d"):
    return series.strftime(pattern)


KEY = [f"x{900 + i}" for i in ROW]
NOTHING = None

HMEQ = {
    "BAD": ("bad", pick(0, 0, 1)),
    "LOAN": ("amount", whole(1100, 60000)),
    "MORTDUE": (NOTHING, ramp(20000, 150000)),
    "VALUE": (NOTHING, ramp(40000, 200000)),
    "REASON": ("purpose", pick("HomeImp", "DebtCon")),
    "JOB": ("occupation", pick("Other", "Office", "Sales", "Mgr", "ProfExe", "Self")),
    "YOJ": ("employment_years", ramp(0, 30, 1)),
    "DEROG": ("public_records", pick(0.0, 0, 1, 0)),
    # "number of delinquent credit lines" in SAS's own description of the file: no window of two years
    "DELINQ": ("delinquent_accounts", pick(0.0, 0, 2, 1)),
    "CLAGE": ("credit_history_years", ramp(20, 300, 2)),
    "NINQ": ("inquiries", pick(0.0, 1, 2)),
    "CLNO": ("total_accounts", whole(3, 40)),
    "DEBTINC": ("dti", ramp(20, 45, 3)),
}
HMEQ_WORDS: dict = dict(
    zip(
        "Default Loan Mortgage Value Reason Job YOJ Derogatories Delinquencies CLAGE Inquiries CLNO DEBTINC".split(),
        HMEQ.values(),
        strict=True,
    )
)
SBA = {
    "LoanNr_ChkDgt": ("loan_id", whole(1000014003, 1000990000) + ROW),
    "Name": (NOTHING, KEY),
    "City": (NOTHING, pick("EVANSVILLE", "NEW PARIS", "TULSA")),
    "State": ("region", pick("IN", "OK", "FL")),
    "Zip": (NOTHING, whole(10000, 90000)),
    "Bank": (NOTHING, pick("FIFTH THIRD BANK", "1ST SOURCE BANK")),
    "BankState": (NOTHING, pick("OH", "IN")),
    "NAICS": (NOTHING, whole(111110, 811121)),
    "ApprovalDate": (NOTHING, text(DAY, "%d-%b-%y")),
    "ApprovalFY": (NOTHING, whole(1997, 2006)),
    "Term": ("term", whole(12, 240)),
    "NoEmp": (NOTHING, whole(1, 40)),
    "NewExist": (NOTHING, pick(1, 2)),
    "CreateJob": (NOTHING, whole(0, 9)),
    "RetainedJob": (NOTHING, whole(0, 9)),
    "FranchiseCode": (NOTHING, pick(0, 1, 15100)),
    "UrbanRural": (NOTHING, pick(0, 1, 2)),
    "RevLineCr": (NOTHING, pick("N", "Y", "0", "T")),
    "LowDoc": (NOTHING, pick("Y", "N")),
    "ChgOffDate": (NOTHING, pick(None, None, "24-Jun-91")),
    "DisbursementDate": ("issue_date", text(DAY, "%d-%b-%y")),
    "DisbursementGross": ("amount", [f"${v:,.2f} " for v in whole(20000, 250000)]),
    "BalanceGross": ("balance", ["$0.00 "] * N),
    "MIS_Status": ("status", pick("P I F", "P I F", "CHGOFF")),
    "ChgOffPrinGr": (NOTHING, ["$0.00 "] * N),
    "GrAppv": (NOTHING, [f"${v:,.2f} " for v in whole(20000, 250000)]),
    "SBA_Appv": (NOTHING, [f"${v:,.2f} " for v in whole(20000, 250000)]),
}
GERMAN = {
    "checking_status": (NOTHING, pick("<0", "0<=X<200", "no checking")),
    "duration": ("term", whole(6, 60)),
    "credit_history": (NOTHING, pick("existing paid", "critical/other existing credit")),
    "purpose": ("purpose", pick("radio/tv", "new car", "education")),
    "credit_amount": ("amount", whole(500, 15000)),
    "savings_status": (NOTHING, pick("<100", "no known savings")),
    "employment": (NOTHING, pick("1<=X<4", ">=7", "unemployed")),
    "installment_commitment": (NOTHING, pick(1, 2, 3, 4)),
    "personal_status": (("sex", "marital_status"), pick("male single", "female div/dep/mar", "male div/sep")),
    "other_parties": (NOTHING, pick("none", "guarantor")),
    "residence_since": (NOTHING, pick(1, 2, 3, 4)),
    "property_magnitude": (NOTHING, pick("real estate", "car")),
    "age": ("age", whole(19, 75)),
    "other_payment_plans": (NOTHING, pick("none", "bank")),
    "housing": ("home", pick("own", "rent", "for free")),
    "existing_credits": (NOTHING, pick(1, 2)),
    "job": ("occupation", pick("skilled", "unskilled resident")),
    "num_dependents": (NOTHING, pick(1, 2)),
    "own_telephone": (NOTHING, pick("yes", "none")),
    "foreign_worker": (NOTHING, pick("yes", "no")),
    "class": ("bad", pick("good", "good", "bad")),
}
GERMAN_WORDS = {
    "laufkont": (NOTHING, pick(1, 2, 4)),
    "laufzeit": ("term", whole(6, 60)),
    "moral": (NOTHING, pick(2, 4)),
    "verw": ("purpose", pick(0, 2, 9)),
    "hoehe": ("amount", whole(500, 15000)),
    "sparkont": (NOTHING, pick(1, 5)),
    "beszeit": (NOTHING, pick(1, 2, 3, 4, 5)),
    "rate": (NOTHING, pick(1, 2, 3, 4)),
    "famges": (("sex", "marital_status"), pick(1, 2, 3, 4)),
    "buerge": (NOTHING, pick(1, 2, 3)),
    "wohnzeit": (NOTHING, pick(1, 2, 3, 4)),
    "verm": (NOTHING, pick(1, 2, 3, 4)),
    "alter": ("age", whole(19, 75)),
    "weitkred": (NOTHING, pick(1, 3)),
    "wohn": ("home", pick(1, 2, 3)),
    "bishkred": (NOTHING, pick(1, 2)),
    "beruf": ("occupation", pick(1, 2, 3, 4)),
    "pers": (NOTHING, pick(1, 2)),
    "telef": (NOTHING, pick(1, 2)),
    "gastarb": (NOTHING, pick(1, 2)),
    "kredit": ("bad", pick(1, 1, 0)),
}
TAIWAN = {
    "ID": ("loan_id", ROW + 1),
    "LIMIT_BAL": (("credit_limit", "amount"), whole(10000, 500000)),
    "SEX": ("sex", pick(1, 2)),
    "EDUCATION": ("education", pick(1, 2, 3)),
    "MARRIAGE": ("marital_status", pick(1, 2)),
    "AGE": ("age", whole(21, 70)),
    **{f"PAY_{k}": (NOTHING, pick(-1, 0, 2)) for k in (0, 2, 3, 4, 5, 6)},
    **{f"BILL_AMT{k}": (NOTHING, whole(-200, 90000)) for k in range(1, 7)},
    **{f"PAY_AMT{k}": (NOTHING, whole(0, 9000)) for k in range(1, 7)},
    "default payment next month": ("bad", pick(0, 0, 1)),
}
HOME_CREDIT = {
    "SK_ID_CURR": ("loan_id", ROW + 100002),
    "TARGET": ("bad", pick(0, 0, 1)),
    "NAME_CONTRACT_TYPE": ("product", pick("Cash loans", "Revolving loans")),
    "CODE_GENDER": ("sex", pick("M", "F")),
    "FLAG_OWN_CAR": ("car_owner", pick("N", "Y")),
    "FLAG_OWN_REALTY": ("homeowner", pick("Y", "N")),
    "CNT_CHILDREN": (NOTHING, pick(0, 1, 2)),
    "AMT_INCOME_TOTAL": ("income", ramp(40000, 300000, 1)),
    "AMT_CREDIT": ("amount", ramp(50000, 900000, 1)),
    "AMT_ANNUITY": ("instalment", ramp(4000, 40000, 1)),
    "AMT_GOODS_PRICE": (NOTHING, ramp(50000, 900000, 1)),
    "NAME_TYPE_SUITE": (NOTHING, pick("Unaccompanied", "Family")),
    "NAME_INCOME_TYPE": ("employment_status", pick("Working", "State servant", "Pensioner")),
    "NAME_EDUCATION_TYPE": ("education", pick("Higher education", "Secondary / secondary special")),
    "NAME_FAMILY_STATUS": ("marital_status", pick("Married", "Single / not married")),
    "NAME_HOUSING_TYPE": ("home", pick("House / apartment", "Rented apartment", "With parents")),
    "REGION_POPULATION_RELATIVE": (NOTHING, ramp(0.001, 0.07, 6)),
    "DAYS_BIRTH": ("age", -whole(8000, 25000)),
    "DAYS_EMPLOYED": ("employment_years", np.where(ROW % 6 == 5, 365243, -whole(100, 9000))),
    "DAYS_REGISTRATION": (NOTHING, -ramp(100, 9000)),
    "DAYS_ID_PUBLISH": (NOTHING, -whole(100, 5000)),
    "OWN_CAR_AGE": (NOTHING, ramp(0, 30)),
    **{
        f"FLAG_{k}": (NOTHING, pick(0, 1))
        for k in ("MOBIL", "EMP_PHONE", "WORK_PHONE", "CONT_MOBILE", "PHONE", "EMAIL")
    },
    "OCCUPATION_TYPE": ("occupation", pick("Laborers", "Core staff", "Managers")),
    "CNT_FAM_MEMBERS": (NOTHING, pick(1.0, 2.0, 3.0)),
    "REGION_RATING_CLIENT": (NOTHING, pick(1, 2, 3)),
    "WEEKDAY_APPR_PROCESS_START": (NOTHING, pick("MONDAY", "FRIDAY")),
    "HOUR_APPR_PROCESS_START": (NOTHING, whole(0, 23)),
    "REG_REGION_NOT_LIVE_REGION": (NOTHING, pick(0, 1)),
    "ORGANIZATION_TYPE": (NOTHING, pick("School", "Government", "Religion")),
    **{f"EXT_SOURCE_{k}": ("?", ramp(0.05, 0.9, 4)) for k in (1, 2, 3)},
    "APARTMENTS_AVG": (NOTHING, ramp(0.01, 0.4, 4)),
    "OBS_30_CNT_SOCIAL_CIRCLE": (NOTHING, pick(0.0, 2.0)),
    "DAYS_LAST_PHONE_CHANGE": (NOTHING, -ramp(0, 2000)),
    "FLAG_DOCUMENT_2": (NOTHING, pick(0, 0, 1)),
    **{f"AMT_REQ_CREDIT_BUREAU_{k}": (NOTHING, pick(0.0, 1.0)) for k in ("HOUR", "DAY", "WEEK", "MON", "QRT")},
    "AMT_REQ_CREDIT_BUREAU_YEAR": ("inquiries_12m", pick(0.0, 1.0, 3.0)),
}
BONDORA = {
    "ReportAsOfEOD": (NOTHING, ["2020-03-31"] * N),
    "LoanId": ("loan_id", [f"F0660C80-83F3-4A97-8DA0-{i:012d}" for i in ROW]),
    "LoanNumber": ("?", ROW + 659),
    "ListedOnUTC": (NOTHING, text(DAY, "%Y-%m-%d %H:%M:%S")),
    "BiddingStartedOn": (NOTHING, text(DAY, "%Y-%m-%d %H:%M:%S")),
    "BidsPortfolioManager": (NOTHING, whole(0, 900)),
    "BidsApi": (NOTHING, whole(0, 50)),
    "BidsManual": (NOTHING, whole(0, 200)),
    "UserName": (NOTHING, [f"BO{i}KA" for i in ROW]),
    "NewCreditCustomer": ("first_loan", pick(True, False)),
    "LoanApplicationStartedDate": (NOTHING, text(DAY, "%Y-%m-%d %H:%M:%S")),
    "LoanDate": ("issue_date", text(DAY)),
    "ContractEndDate": (NOTHING, pick(None, "2018-01-01")),
    "FirstPaymentDate": (NOTHING, text(DAY)),
    "MaturityDate_Original": (NOTHING, text(DAY)),
    "MaturityDate_Last": (NOTHING, text(DAY)),
    "ApplicationSignedHour": (NOTHING, whole(0, 23)),
    "ApplicationSignedWeekday": (NOTHING, whole(1, 7)),
    "VerificationType": ("?", pick(1.0, 4.0)),
    "LanguageCode": (NOTHING, pick(1, 4, 6)),
    "Age": ("age", whole(18, 70)),
    "DateOfBirth": (NOTHING, text(DAY - pd.Timedelta(days=12000))),
    "Gender": ("sex", pick(0.0, 1.0, 2.0)),
    "Country": ("?", pick("EE", "FI", "ES")),
    "AppliedAmount": (NOTHING, ramp(500, 10000)),
    "Amount": ("amount", ramp(500, 10000)),
    "Interest": ("rate", ramp(8, 60, 2)),
    "LoanDuration": ("term", whole(1, 60)),
    "MonthlyPayment": ("instalment", ramp(10, 400, 2)),
    "County": ("?", pick("HARJU", "TARTU")),
    "City": (NOTHING, pick("TALLINN", "TARTU")),
    "UseOfLoan": ("purpose", pick(0, 2, 7)),
    "Education": ("education", pick(3.0, 4.0, 5.0)),
    "MaritalStatus": ("marital_status", pick(1.0, 2.0, -1.0)),
    "NrOfDependants": (NOTHING, pick("0", "1", None)),
    "EmploymentStatus": ("employment_status", pick(3.0, -1.0)),
    "EmploymentDurationCurrentEmployer": ("?", pick("MoreThan5Years", "UpTo3Years", "UpTo1Year")),
    "EmploymentPosition": (NOTHING, pick("Worker", None)),
    "WorkExperience": (NOTHING, pick("5To10Years", "MoreThan25Years")),
    "OccupationArea": ("occupation", pick(1.0, 7.0, -1.0)),
    "HomeOwnershipType": ("home", pick(1.0, 3.0, 8.0)),
    "IncomeFromPrincipalEmployer": (NOTHING, ramp(0, 2000)),
    "IncomeFromPension": (NOTHING, ramp(0, 300)),
    "IncomeTotal": ("income", ramp(400, 4000)),
    "ExistingLiabilities": (NOTHING, whole(0, 9)),
    "LiabilitiesTotal": (NOTHING, ramp(0, 900)),
    "RefinanceLiabilities": (NOTHING, whole(0, 3)),
    "DebtToIncome": ("dti", ramp(0, 60, 2)),
    "FreeCash": (NOTHING, ramp(0, 700)),
    "PlannedPrincipalTillDate": (NOTHING, ramp(0, 3000, 2)),
    "PlannedInterestTillDate": (NOTHING, ramp(0, 3000, 2)),
    "LastPaymentOn": ("last_payment_date", text(DAY)),
    "CurrentDebtDaysPrimary": ("days_past_due", ramp(0, 900)),
    "DebtOccuredOn": (NOTHING, text(DAY)),
    "CurrentDebtDaysSecondary": (NOTHING, ramp(0, 900)),
    "DefaultDate": (NOTHING, pick(None, "2017-03-01")),
    "PrincipalOverdueBySchedule": (NOTHING, ramp(0, 900, 2)),
    "PlannedPrincipalPostDefault": (NOTHING, ramp(0, 900, 2)),
    "EAD1": (NOTHING, ramp(0, 3000, 2)),
    "PrincipalRecovery": ("recoveries", ramp(0, 900, 2)),
    "InterestRecovery": (NOTHING, ramp(0, 900, 2)),
    "ModelVersion": (NOTHING, pick(2, 6)),
    "ExpectedLoss": (NOTHING, ramp(0.01, 0.3, 4)),
    "LossGivenDefault": (NOTHING, ramp(0.3, 0.9, 2)),
    "ExpectedReturn": (NOTHING, ramp(0.01, 0.3, 4)),
    "ProbabilityOfDefault": (NOTHING, ramp(0.01, 0.4, 4)),
    "Rating": ("grade", pick("A", "B", "C", "D", "E", "F", "HR")),
    "Rating_V0": (NOTHING, pick("A", "B", "HR")),
    "Status": ("status", pick("Repaid", "Late", "Current")),
    "Restructured": (NOTHING, pick(True, False)),
    "ActiveLateCategory": (NOTHING, pick(None, "180+", "1-7")),
    "WorseLateCategory": (NOTHING, pick(None, "180+", "1-7")),
    "CreditScoreEsMicroL": ("?", pick("M", "M3", None)),
    "PrincipalPaymentsMade": ("principal_paid", ramp(0, 3000, 2)),
    "InterestAndPenaltyPaymentsMade": ("interest_paid", ramp(0, 900, 2)),
    "PrincipalWriteOffs": (NOTHING, ramp(0, 100, 2)),
    "PrincipalBalance": ("balance", ramp(0, 3000, 2)),
    "InterestAndPenaltyBalance": (NOTHING, ramp(0, 300, 2)),
    "NoOfPreviousLoansBeforeLoan": ("earlier_loans", whole(0, 5)),
    "AmountOfPreviousLoansBeforeLoan": ("earlier_principal", ramp(0, 9000)),
    "PreviousRepaymentsBeforeLoan": (NOTHING, ramp(0, 900, 2)),
    "NextPaymentDate": (NOTHING, text(DAY)),
    "NrOfScheduledPayments": (NOTHING, whole(1, 60)),
}
#: names of the columns in the order of the file; ``·`` is a blank in a name
HEADERS = {
    # hmeq.csv, by SAS's description of SAMPSIO.HMEQ; the second header is that of a public copy, in words
    "HMEQ": "BAD LOAN MORTDUE VALUE REASON JOB YOJ DEROG DELINQ CLAGE NINQ CLNO DEBTINC",
    "HMEQ, in words": " ".join(HMEQ_WORDS),
    # SBAnational.csv, as programs that open it name the columns
    "SBA": "LoanNr_ChkDgt Name City State Zip Bank BankState NAICS ApprovalDate ApprovalFY Term NoEmp "
    "NewExist CreateJob "
    "RetainedJob FranchiseCode UrbanRural RevLineCr LowDoc ChgOffDate DisbursementDate DisbursementGross BalanceGross "
    "MIS_Status ChgOffPrinGr GrAppv SBA_Appv",
    # OpenML's credit-g, and Groemping's South German credit, as programs that open them name them
    "German credit": "checking_status duration credit_history purpose credit_amount savings_status employment "
    "installment_commitment personal_status other_parties residence_since property_magnitude age other_payment_plans "
    "housing existing_credits job num_dependents own_telephone foreign_worker class",
    "German credit, German names": "laufkont laufzeit moral verw hoehe sparkont beszeit rate famges "
    "buerge wohnzeit verm "
    "alter weitkred wohn bishkred beruf pers telef gastarb kredit",
    # of the UCI repository's workbook; UCI_Credit_Card.csv writes points for the blanks of the last name
    "Taiwan": "ID LIMIT_BAL SEX EDUCATION MARRIAGE AGE PAY_0 PAY_2 PAY_3 PAY_4 PAY_5 PAY_6 BILL_AMT1 "
    "BILL_AMT2 BILL_AMT3 "
    "BILL_AMT4 BILL_AMT5 BILL_AMT6 PAY_AMT1 PAY_AMT2 PAY_AMT3 PAY_AMT4 PAY_AMT5 PAY_AMT6 default·payment·next·month",
    # application_train.csv, 122 columns, as programs that open it name them
    "Home Credit": "SK_ID_CURR TARGET NAME_CONTRACT_TYPE CODE_GENDER FLAG_OWN_CAR FLAG_OWN_REALTY CNT_CHILDREN "
    "AMT_INCOME_TOTAL AMT_CREDIT AMT_ANNUITY AMT_GOODS_PRICE NAME_TYPE_SUITE NAME_INCOME_TYPE NAME_EDUCATION_TYPE "
    "NAME_FAMILY_STATUS NAME_HOUSING_TYPE REGION_POPULATION_RELATIVE DAYS_BIRTH DAYS_EMPLOYED DAYS_REGISTRATION "
    "DAYS_ID_PUBLISH OWN_CAR_AGE FLAG_MOBIL FLAG_EMP_PHONE FLAG_WORK_PHONE FLAG_CONT_MOBILE FLAG_PHONE FLAG_EMAIL "
    "OCCUPATION_TYPE CNT_FAM_MEMBERS REGION_RATING_CLIENT REGION_RATING_CLIENT_W_CITY WEEKDAY_APPR_PROCESS_START "
    "HOUR_APPR_PROCESS_START REG_REGION_NOT_LIVE_REGION REG_REGION_NOT_WORK_REGION LIVE_REGION_NOT_WORK_REGION "
    "REG_CITY_NOT_LIVE_CITY REG_CITY_NOT_WORK_CITY LIVE_CITY_NOT_WORK_CITY ORGANIZATION_TYPE EXT_SOURCE_1 EXT_SOURCE_2 "
    "EXT_SOURCE_3 "
    + " ".join(
        f"{part}_{kind}"
        for kind in ("AVG", "MODE", "MEDI")
        for part in (
            "APARTMENTS BASEMENTAREA YEARS_BEGINEXPLUATATION YEARS_BUILD COMMONAREA ELEVATORS ENTRANCES FLOORSMAX "
            "FLOORSMIN LANDAREA LIVINGAPARTMENTS LIVINGAREA NONLIVINGAPARTMENTS NONLIVINGAREA"
        ).split()
    )
    + " FONDKAPREMONT_MODE HOUSETYPE_MODE TOTALAREA_MODE WALLSMATERIAL_MODE EMERGENCYSTATE_MODE "
    "OBS_30_CNT_SOCIAL_CIRCLE DEF_30_CNT_SOCIAL_CIRCLE OBS_60_CNT_SOCIAL_CIRCLE DEF_60_CNT_SOCIAL_CIRCLE "
    "DAYS_LAST_PHONE_CHANGE "
    + " ".join(f"FLAG_DOCUMENT_{k}" for k in range(2, 22))
    + " "
    + " ".join(f"AMT_REQ_CREDIT_BUREAU_{k}" for k in ("HOUR", "DAY", "WEEK", "MON", "QRT", "YEAR")),
    # LoanData.csv of 2020, 112 columns, as a program that opens it names them
    "Bondora": "ReportAsOfEOD LoanId LoanNumber ListedOnUTC BiddingStartedOn BidsPortfolioManager "
    "BidsApi BidsManual UserName "
    "NewCreditCustomer LoanApplicationStartedDate LoanDate ContractEndDate FirstPaymentDate MaturityDate_Original "
    "MaturityDate_Last ApplicationSignedHour ApplicationSignedWeekday VerificationType LanguageCode "
    "Age DateOfBirth Gender "
    "Country AppliedAmount Amount Interest LoanDuration MonthlyPayment County City UseOfLoan Education MaritalStatus "
    "NrOfDependants EmploymentStatus EmploymentDurationCurrentEmployer EmploymentPosition "
    "WorkExperience OccupationArea "
    "HomeOwnershipType IncomeFromPrincipalEmployer IncomeFromPension IncomeFromFamilyAllowance IncomeFromSocialWelfare "
    "IncomeFromLeavePay IncomeFromChildSupport IncomeOther IncomeTotal ExistingLiabilities LiabilitiesTotal "
    "RefinanceLiabilities DebtToIncome FreeCash MonthlyPaymentDay ActiveScheduleFirstPaymentReached "
    "PlannedPrincipalTillDate PlannedInterestTillDate LastPaymentOn CurrentDebtDaysPrimary DebtOccuredOn "
    "CurrentDebtDaysSecondary DebtOccuredOnForSecondary ExpectedLoss LossGivenDefault ExpectedReturn "
    "ProbabilityOfDefault "
    "DefaultDate PrincipalOverdueBySchedule PlannedPrincipalPostDefault PlannedInterestPostDefault EAD1 EAD2 "
    "PrincipalRecovery InterestRecovery RecoveryStage StageActiveSince ModelVersion Rating EL_V0 "
    "Rating_V0 EL_V1 Rating_V1 "
    "Rating_V2 Status Restructured ActiveLateCategory WorseLateCategory CreditScoreEsMicroL CreditScoreEsEquifaxRisk "
    "CreditScoreFiAsiakasTietoRiskGrade CreditScoreEeMini PrincipalPaymentsMade InterestAndPenaltyPaymentsMade "
    "PrincipalWriteOffs InterestAndPenaltyWriteOffs PrincipalBalance InterestAndPenaltyBalance "
    "NoOfPreviousLoansBeforeLoan "
    "AmountOfPreviousLoansBeforeLoan PreviousRepaymentsBeforeLoan PreviousEarlyRepaymentsBefoleLoan "
    "PreviousEarlyRepaymentsCountBeforeLoan GracePeriodStart GracePeriodEnd NextPaymentDate NextPaymentNr "
    "NrOfScheduledPayments ReScheduledOn PrincipalDebtServicingCost InterestAndPenaltyDebtServicingCost "
    "ActiveLateLastPaymentCategory",
    # kiva_loans.csv, as programs that open it name the columns
    "Kiva": "id funded_amount loan_amount activity sector use country_code country region currency "
    "partner_id posted_time "
    "disbursed_time funded_time term_in_months lender_count tags borrower_genders repayment_interval date",
    # cs-training.csv, as programs that open it name the columns; its first one has no name
    "Give Me Some Credit": "Unnamed:·0 SeriousDlqin2yrs RevolvingUtilizationOfUnsecuredLines age "
    "NumberOfTime30-59DaysPastDueNotWorse DebtRatio MonthlyIncome NumberOfOpenCreditLinesAndLoans "
    "NumberOfTimes90DaysLate "
    "NumberRealEstateLoansOrLines NumberOfTime60-89DaysPastDueNotWorse NumberOfDependents",
    # LC.csv, as programs and notebooks that open it name the columns
    "PPDai": "ListingId 借款金额 借款期限 借款利率 借款成功日期 初始评级 借款类型 是否首标 "
    "年龄 性别 手机认证 户口认证 视频认证 学历认证 征信认证 淘宝认证 "
    "历史成功借款次数 历史成功借款金额 总待还本金 历史正常还款期数 历史逾期还款期数",
}
KIVA = {
    "id": ("loan_id", ROW + 653051),
    "funded_amount": (NOTHING, ramp(100, 3000)),
    "loan_amount": ("amount", ramp(100, 3000)),
    "activity": ("?", pick("Fruits & Vegetables", "Rickshaw", "Milk Sales")),
    "sector": ("purpose", pick("Food", "Transportation", "Agriculture")),
    "use": (NOTHING, [f"to buy a thing, the number {i} of many" for i in ROW]),
    "country_code": (NOTHING, pick("PK", "KE")),
    "country": ("?", pick("Pakistan", "Kenya")),
    "region": ("region", pick("Lahore", "Kisii", "Maynaguri")),
    "currency": (NOTHING, pick("PKR", "KES")),
    "partner_id": (NOTHING, whole(100, 300)),
    "posted_time": (NOTHING, text(DAY, "%Y-%m-%d %H:%M:%S+00:00")),
    "disbursed_time": ("issue_date", text(DAY, "%Y-%m-%d %H:%M:%S+00:00")),
    "funded_time": (NOTHING, text(DAY, "%Y-%m-%d %H:%M:%S+00:00")),
    "term_in_months": ("term", ramp(6, 36)),
    "lender_count": ("investors", whole(1, 80)),
    "tags": (NOTHING, pick("#Parent", "#Elderly, #Repeat Borrower")),
    "borrower_genders": ("sex", pick("female", "male", "female, female")),
    "repayment_interval": (NOTHING, pick("irregular", "monthly", "bullet")),
    "date": (NOTHING, text(DAY)),
}
GIVE_ME = {
    "Unnamed: 0": ("?", ROW + 1),
    "SeriousDlqin2yrs": ("bad", pick(0, 0, 1)),
    "RevolvingUtilizationOfUnsecuredLines": ("utilisation", ramp(0, 1, 6)),
    "age": ("age", whole(21, 90)),
    "NumberOfTime30-59DaysPastDueNotWorse": ("delinquencies_2y", pick(0, 0, 1, 98)),
    "DebtRatio": ("dti", np.where(ROW % 8 == 7, 2058, ramp(0, 1.2, 6))),
    "MonthlyIncome": ("income", np.where(ROW % 8 == 7, np.nan, ramp(1000, 15000))),
    "NumberOfOpenCreditLinesAndLoans": ("open_accounts", whole(0, 20)),
    "NumberOfTimes90DaysLate": (NOTHING, pick(0, 0, 1, 98)),
    "NumberRealEstateLoansOrLines": ("mortgage_accounts", pick(0, 1, 2)),
    "NumberOfTime60-89DaysPastDueNotWorse": (NOTHING, pick(0, 0, 1, 98)),
    "NumberOfDependents": (NOTHING, pick(0.0, 1.0, 2.0)),
}


PROSPER_HEADER = (
    "ListingKey ListingNumber ListingCreationDate CreditGrade Term LoanStatus ClosedDate BorrowerAPR BorrowerRate "
    "LenderYield EstimatedEffectiveYield EstimatedLoss EstimatedReturn ProsperRating_(numeric) "
    "ProsperRating_(Alpha) ProsperScore ListingCategory_(numeric) BorrowerState Occupation EmploymentStatus "
    "EmploymentStatusDuration IsBorrowerHomeowner CurrentlyInGroup GroupKey DateCreditPulled CreditScoreRangeLower "
    "CreditScoreRangeUpper FirstRecordedCreditLine CurrentCreditLines OpenCreditLines TotalCreditLinespast7years "
    "OpenRevolvingAccounts OpenRevolvingMonthlyPayment InquiriesLast6Months TotalInquiries CurrentDelinquencies "
    "AmountDelinquent DelinquenciesLast7Years PublicRecordsLast10Years PublicRecordsLast12Months "
    "RevolvingCreditBalance BankcardUtilization AvailableBankcardCredit TotalTrades "
    "TradesNeverDelinquent_(percentage) TradesOpenedLast6Months DebtToIncomeRatio IncomeRange IncomeVerifiable "
    "StatedMonthlyIncome LoanKey TotalProsperLoans TotalProsperPaymentsBilled OnTimeProsperPayments "
    "ProsperPaymentsLessThanOneMonthLate ProsperPaymentsOneMonthPlusLate ProsperPrincipalBorrowed "
    "ProsperPrincipalOutstanding ScorexChangeAtTimeOfListing LoanCurrentDaysDelinquent "
    "LoanFirstDefaultedCycleNumber LoanMonthsSinceOrigination LoanNumber LoanOriginalAmount LoanOriginationDate "
    "LoanOriginationQuarter MemberKey MonthlyLoanPayment LP_CustomerPayments LP_CustomerPrincipalPayments "
    "LP_InterestandFees LP_ServiceFees LP_CollectionFees LP_GrossPrincipalLoss LP_NetPrincipalLoss "
    "LP_NonPrincipalRecoverypayments PercentFunded Recommendations InvestmentFromFriendsCount "
    "InvestmentFromFriendsAmount Investors"
)
LENDINGCLUB_HEADER = (
    "id member_id loan_amnt funded_amnt funded_amnt_inv term int_rate installment grade sub_grade emp_title "
    "emp_length home_ownership annual_inc verification_status issue_d loan_status pymnt_plan url desc purpose title "
    "zip_code addr_state dti delinq_2yrs earliest_cr_line fico_range_low fico_range_high inq_last_6mths "
    "mths_since_last_delinq mths_since_last_record open_acc pub_rec revol_bal revol_util total_acc "
    "initial_list_status out_prncp out_prncp_inv total_pymnt total_pymnt_inv total_rec_prncp total_rec_int "
    "total_rec_late_fee recoveries collection_recovery_fee last_pymnt_d last_pymnt_amnt next_pymnt_d "
    "last_credit_pull_d last_fico_range_high last_fico_range_low collections_12_mths_ex_med "
    "mths_since_last_major_derog policy_code application_type annual_inc_joint dti_joint verification_status_joint "
    "acc_now_delinq tot_coll_amt tot_cur_bal open_acc_6m open_act_il open_il_12m open_il_24m mths_since_rcnt_il "
    "total_bal_il il_util open_rv_12m open_rv_24m max_bal_bc all_util total_rev_hi_lim inq_fi total_cu_tl "
    "inq_last_12m acc_open_past_24mths avg_cur_bal bc_open_to_buy bc_util chargeoff_within_12_mths delinq_amnt "
    "mo_sin_old_il_acct mo_sin_old_rev_tl_op mo_sin_rcnt_rev_tl_op mo_sin_rcnt_tl mort_acc mths_since_recent_bc "
    "mths_since_recent_bc_dlq mths_since_recent_inq mths_since_recent_revol_delinq num_accts_ever_120_pd "
    "num_actv_bc_tl num_actv_rev_tl num_bc_sats num_bc_tl num_il_tl num_op_rev_tl num_rev_accts num_rev_tl_bal_gt_0 "
    "num_sats num_tl_120dpd_2m num_tl_30dpd num_tl_90g_dpd_24m num_tl_op_past_12m pct_tl_nvr_dlq percent_bc_gt_75 "
    "pub_rec_bankruptcies tax_liens tot_hi_cred_lim total_bal_ex_mort total_bc_limit total_il_high_credit_limit "
    "revol_bal_joint hardship_flag disbursement_method debt_settlement_flag"
)
#: columns of public files that are near a canonical one without being it, or that two names may claim
NEAR = {"funded_amnt", "loan_amnt", "ListingKey", "CreditGrade"}
#: columns of Lending Club that its mapping does not read, though canonical columns mean them
MORE = {
    "num_tl_30dpd": "accounts_30d_past_due",
    "num_tl_120dpd_2m": "accounts_120d_past_due",
    "pct_tl_nvr_dlq": "never_delinquent_share",
    "num_sats": "satisfactory_accounts",
    "acc_open_past_24mths": "accounts_opened_24m",
    "num_bc_tl": "card_accounts",
    "total_bal_ex_mort": "credit_balance",
    "mths_since_last_major_derog": "months_since_90d_late",
}


def of_format(name, content, header=""):
    """A built-in format's header: what its mapping reads, with the rows of the fixture and numbers elsewhere."""
    some = pd.read_csv(io.StringIO(content), skiprows=1 if content.startswith("Notes") else 0)
    some = some[some.iloc[:, 3].notna()]
    means: dict = {}
    for canonical, rule in builtin(name)["columns"].items():
        sources = rule.get("from", [])
        for source in sources if isinstance(sources, list) else [sources]:
            means.setdefault(source, []).append(canonical)
    if name == "lendingclub":
        means |= {source: [canonical] for source, canonical in MORE.items()}
    truth = {}
    for column in _header(header) or some.columns:
        meant = tuple(canonical for canonical in means.get(column, ()) if canonical != "policy_exception")
        values = (
            some[column] if column in some else _MADE_UP.get(column, pd.Series(np.linspace(1, 9, len(some)).round(2)))
        )
        truth[column] = ("?" if column in NEAR else meant or None, values.to_numpy())
    return truth


_MADE_UP = {"fico_range_low": pd.Series([700, 680, 720, 690]), "debt_settlement_flag": pd.Series(["N", "Y", "N", "N"])}


def _header(names):
    return [name.replace("_(", " (") for name in names.split()]


#: columns of Home Credit and Bondora that no canonical column means, by what they hold
_OTHER = {
    "MODE": ramp(0.01, 0.4, 4),
    "MEDI": ramp(0.01, 0.4, 4),
    "AVG": ramp(0.01, 0.4, 4),
    "FONDKAPREMONT_MODE": pick("reg oper account", None),
    "HOUSETYPE_MODE": pick("block of flats", None),
    "WALLSMATERIAL_MODE": pick("Panel", "Stone, brick", None),
    "EMERGENCYSTATE_MODE": pick("No", None),
    "ActiveScheduleFirstPaymentReached": pick(True, False),
    "DebtOccuredOnForSecondary": text(DAY),
    "RecoveryStage": pick(1.0, 2.0, None),
    "StageActiveSince": text(DAY, "%Y-%m-%d %H:%M:%S"),
    "Rating_V1": pick("A", "HR"),
    "Rating_V2": pick("B", "C"),
    "CreditScoreEsEquifaxRisk": pick("A", "C", None),
    "CreditScoreFiAsiakasTietoRiskGrade": pick("RL1", "RL2", None),
    "CreditScoreEeMini": pick(1000.0, 900.0, 600.0),
    "MonthlyPaymentDay": whole(1, 28),
    "GracePeriodStart": pick(None, "2016-01-05"),
    "GracePeriodEnd": pick(None, "2016-03-05"),
    "ReScheduledOn": pick(None, "2016-02-05"),
    "ActiveLateLastPaymentCategory": pick(None, "180+", "1-7"),
}
#: near a canonical column without surely being it
_NEAR_OTHER = {"CreditScoreEsEquifaxRisk", "CreditScoreFiAsiakasTietoRiskGrade", "CreditScoreEeMini"}


def names_of(name):
    """Names of the columns of a file, in order."""
    return [part.replace("·", " ") for part in HEADERS[name].split()]


def whole_file(name, table):
    """A table in the order of the file, with the columns of the file that no canonical column means."""
    columns = {}
    for column in names_of(name):
        values = _OTHER.get(column, _OTHER.get(column.rpartition("_")[2], pick(0.0, 1.0, 2.0)))
        columns[column] = table.get(column, ("?" if column in _NEAR_OTHER else NOTHING, values))
    return columns


def files():
    """Name of the file -> column -> (meaning, made-up values)."""
    return {
        "Prosper": of_format("prosper", fixtures.PROSPER_81, PROSPER_HEADER),
        "Lending Club": of_format("lendingclub", fixtures.LENDINGCLUB_RAW, LENDINGCLUB_HEADER),
        "HMEQ": HMEQ,
        "HMEQ, in words": HMEQ_WORDS,
        "SBA": SBA,
        "German credit": GERMAN,
        "German credit, German names": GERMAN_WORDS,
        "Taiwan": TAIWAN,
        "Home Credit": whole_file("Home Credit", HOME_CREDIT),
        "Bondora": whole_file("Bondora", BONDORA),
        "Kiva": KIVA,
        "Give Me Some Credit": GIVE_ME,
        "PPDai": of_format("ppdai", fixtures.PPDAI_LC),
    }


def frame_of(columns):
    return pd.DataFrame({name: values for name, (_, values) in columns.items()})


def judged(columns):
    """Columns with a meaning, placed rightly, placed wrongly, and the names of those missed and wrong."""
    from p2prisk.tape.privacy import personal_columns

    frame = frame_of(columns)
    personal = {name for name in personal_columns(frame) if not _age_in_days(frame[name], name)}
    guesses = guess_columns([name for name in frame.columns if name not in personal], frame)
    meant = right = 0
    missed, wrong = [], []
    for name, (meaning, _) in columns.items():
        allowed = (meaning,) if isinstance(meaning, str) else meaning or ()
        placed = guesses.get(name, (None,))[0]
        if allowed == ("?",):  # near a canonical column, but not surely it: either is right
            continue
        meant += bool(allowed)
        if placed and placed not in allowed:
            wrong.append(f"{name}: {placed}")
        elif placed:
            right += 1
        elif allowed:
            missed.append(name)
    return meant, right, wrong, missed


def main():
    print(f"{'file':<30}{'columns':>9}{'with a meaning':>16}{'placed':>8}{'share':>8}{'wrong':>7}")
    for name, columns in files().items():
        meant, right, wrong, missed = judged(columns)
        print(f"{name:<30}{len(columns):>9}{meant:>16}{right:>8}{right / meant:>8.0%}{len(wrong):>7}")
        for what, names in (("wrong", wrong), ("not placed", missed)):
            if names and "-v" in sys.argv:
                print(f"    {what}: {', '.join(names)}")


if __name__ == "__main__":
    main()
