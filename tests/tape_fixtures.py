"""Small loan files made for the tests, one a format; no row is a real loan."""

LENDINGCLUB_RAW = '''Notes offered by Prospectus (https://www.example.org/prospectus)
"id","member_id","loan_amnt","funded_amnt","term","int_rate","installment","grade","sub_grade","emp_title","emp_length",\
"home_ownership","annual_inc","verification_status","issue_d","loan_status","purpose","addr_state","dti","delinq_2yrs",\
"earliest_cr_line","inq_last_6mths","mths_since_last_delinq","mths_since_last_record","open_acc","pub_rec","revol_bal",\
"revol_util","total_acc","out_prncp","total_rec_prncp","total_rec_late_fee","recoveries","last_pymnt_d","last_credit_pull_d"
"1","11","5000","5000"," 36 months"," 10.65%","162.87","B","B2","Dock, ""night"" shift","10+ years","RENT","24000.0",\
"Verified","Dec-2011","Fully Paid","credit_card","AZ","27.65","0","Jan-1985","1","","","3","0","13648","83.7%","9","0.0",\
"5000.0","0.0","0.0","Jan-2015","Nov-2016"
"2","12","2500","2500"," 60 months"," 15.27%","59.83","C","C4","Ryder","< 1 year","MORTGAGE","30000.0","Source Verified",\
"Dec-2011","Charged Off","car","GA","1.0","1","Apr-1999","5","12","","3","1","1687","9.4%","4","0.0","456.46","0.0","122.9",\
"Apr-2013","Oct-2016"
"3","13","2400","2400"," 36 months"," 15.96%","84.33","C","C5","","n/a","OWN","12252.0","Not Verified","Nov-2011",\
"Fully Paid","small_business","IL","8.72","0","Nov-2001","2","","","2","0","2956","98.5%","10","0.0","2400.0","14.9","0.0",\
"Jun-2014","Nov-2016"

Loans that do not meet the credit policy
"4","14","10000","10000"," 36 months"," 13.49%","339.31","C","C1","AIR","10+ years","NONE","49200.0","Not Verified",\
"Aug-2008","Does not meet the credit policy. Status:Charged Off","other","CA","20.0","0","Feb-1968","1","35","0","10","0",\
"5598","21%","37","0.0","7000.0","16.97","0.0","Jan-2011","Apr-2016"

"Total amount funded in policy code 1: 19900"
'''

PROSPER_81 = (
    "ListingKey,ListingNumber,ListingCreationDate,CreditGrade,Term,LoanStatus,ClosedDate,BorrowerAPR,BorrowerRate,"
    "ProsperRating (Alpha),ProsperScore,ListingCategory (numeric),BorrowerState,Occupation,EmploymentStatus,"
    "EmploymentStatusDuration,IsBorrowerHomeowner,CreditScoreRangeLower,InquiriesLast6Months,CurrentDelinquencies,"
    "PublicRecordsLast10Years,BankcardUtilization,DebtToIncomeRatio,IncomeRange,IncomeVerifiable,StatedMonthlyIncome,"
    "LoanKey,TotalProsperLoans,LoanCurrentDaysDelinquent,LoanOriginalAmount,LoanOriginationDate,MonthlyLoanPayment,"
    "LP_CustomerPrincipalPayments,LP_NonPrincipalRecoverypayments,Recommendations,Investors\n"
    "A1,1,2009-08-01 10:00:00,,36,Completed,2012-09-01 00:00:00,0.16516,0.158,A,8,1,CO,Other,Full-time,26,True,640,3,0,0,"
    "0.21,0.17,\"$25,000-49,999\",True,3083.33,K1,,0,9425,2009-09-12 00:00:00,330.43,9425,0,0,258\n"
    "A2,2,2010-02-01 10:00:00,,36,Chargedoff,2011-12-17 00:00:00,0.35,0.3177,HR,3,2,,Professional,Employed,44,False,0,8,"
    "2,1,1.1,,\"$50,000-74,999\",True,6125,K2,1,120,10000,2010-03-03 00:00:00,430.0,2400,50,2,1\n"
    "A3,3,2007-01-05 15:00:00,C,36,Past Due (31-60 days),,0.28,0.275,,,0,GA,Other,Not available,,False,480,1,1,0,,0.06,"
    "Not displayed,True,2083.33,K3,,45,3001,2007-01-17 00:00:00,123.32,500,0,0,41\n"
)

PPDAI_LC = (
    "ListingId,借款金额,借款期限,借款利率,借款成功日期,初始评级,借款类型,是否首标,年龄,性别,手机认证,户口认证,视频认证,学历认证,"
    "征信认证,淘宝认证,历史成功借款次数,历史成功借款金额,总待还本金,历史正常还款期数,历史逾期还款期数\n"
    "126541,18000,2,18,2016/5/4,C,其他,否,35,男,未成功认证,未成功认证,未成功认证,成功认证,未成功认证,未成功认证,11,40326,8712,57,16\n"
    "133291,9453,2,20,2016/3/16,D,普通,是,34,女,成功认证,成功认证,未成功认证,未成功认证,未成功认证,未成功认证,0,0,0,0,0\n"
    "142421,27000,3,20,2016/4/26,B,APP闪电,否,41,男,成功认证,未成功认证,未成功认证,未成功认证,未成功认证,未成功认证,5,11894,0,25,1\n"
    "149711,25000,2,18,2016/3/30,AA,电商,否,34,男,未成功认证,未成功认证,未成功认证,未成功认证,未成功认证,未成功认证,6,36190,9859,41,0\n"
    "152141,20000,2,16,2016/9/22,F,普通,否,24,女,未成功认证,未成功认证,未成功认证,未成功认证,未成功认证,成功认证,13,77945,0,118,0\n"
)
# loan 126541 paid on time; 133291 one instalment paid late; 142421 unpaid 150 days; 149711 still running, not due;
# 152141 has no instalment here; 999999 is not in the loan file
PPDAI_LP = (
    "ListingId,期数,还款状态,应还本金,应还利息,剩余本金,剩余利息,到期日期,还款日期,recorddate\n"
    "126541,1,1,9000,270,0,0,2016-06-04,2016-06-04,2017-02-22\n"
    "126541,2,3,9000,135,0,0,2016-07-04,2016-06-04,2017-02-22\n"
    "133291,1,2,4700,150,0,0,2016-04-16,2016-04-20,2017-02-22\n"
    "133291,2,1,4753,75,0,0,2016-05-16,2016-05-16,2017-02-22\n"
    "142421,1,1,9000,450,0,0,2016-05-26,2016-05-26,2017-02-22\n"
    "142421,2,0,9000,300,9000,300,2016-09-25,\\N,2017-02-22\n"
    "142421,3,0,9000,150,9000,150,2016-10-26,\\N,2017-02-22\n"
    "149711,1,1,12500,375,0,0,2017-02-01,2017-02-01,2017-02-22\n"
    "149711,2,0,12500,188,12500,188,2017-03-30,\\N,2017-02-22\n"
    "999999,1,0,100,1,100,1,2017-03-30,\\N,2017-02-22\n"
)

RENRENDAI = (
    "code,target,interest,maturity,payment,status,id,income,age,scaleofcompany,education,marriage,workingtime,estate,"
    "houseloan,car,carloan,creditscore,application,pastsuccess,pastdefault,creditcertificate,creditreport,"
    "identitycertificate,jobcertificate,incomecertificate,estatecertificate,carcertificate,marriagecertificate,"
    "educertificate,techcertificate,mobilecertificate,weibocertificate\n"
    "1,3000,0.1,3,1017,1,500001,2000-5000,29,10-100,junior college,single,1-3 years,0,0,0,0,89,2,1,1,0,1,1,1,1,0,0,0,0,0,0,0\n"
    "2,60000,0.13,36,2022,0,500002,--,44,--,--,married,--,1,1,1,0,145,1,1,0,0,1,1,1,1,0,0,0,0,0,0,0\n"
    "3,5000,0.2,9,603,,500003,above 50000,26,less10,highschool,divorced,above 5 years,0,0,0,0,0,1,0,0,0,0,0,0,0,0,0,0,0,0,1,0\n"
)

MAPPING = """
format: savings bank
title: A savings bank's consumer loans
currency: EUR
record_date: 2024-06-30
columns:
  loan_id: {from: Vertrag}
  issue_date: {from: Auszahlung, date: ["%d.%m.%Y"]}
  amount: {from: Betrag}
  term: {from: Laufzeit}
  income: {from: Netto, unit: per month}
  dti: {from: Quote, unit: fraction}
  home: {from: Wohnung, recode: {Miete: rent, Eigentum: own, "-": null}}
  grade: {from: Klasse, order: [gut, mittel, schwach]}
  status: {from: Stand, recode: {laufend: current, bezahlt: paid, Ausfall: charged off}}
"""
MAPPED = (
    "Vertrag;Auszahlung;Betrag;Laufzeit;Netto;Quote;Wohnung;Klasse;Stand;Kunde\n"
    "007;03.02.2021;5000;24;2500;0.31;Miete;gut;bezahlt;Anna Muster\n"
    "008;15.11.2022;12000;36;3100;0.12;Eigentum;mittel;laufend;Bernd Muster\n"
    "009;28.02.2022;8000;12;1900;0.45;-;schwach;Ausfall;Chris Muster\n"
)
