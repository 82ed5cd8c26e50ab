# Reference numbers for tests/test_validation.py.  Run: Rscript tests/reference/checks/validation.R
# from the repository root; writes tests/reference/checks/validation.json (input data included).
suppressPackageStartupMessages({library(pROC); library(Hmisc); library(rms); library(jsonlite)})
set.seed(20180331)
n <- 240
x <- round(rnorm(n), 1)
a <- round(x + rnorm(n), 1)
b <- round(0.5 * x + rnorm(n), 1)
y <- as.integer(cut(x + rlogis(n), c(-Inf, -1, 0.5, 2, Inf))) - 1L
event <- as.integer(y >= 2)
p <- round(plogis(-0.4 + 0.7 * a), 4)
r1 <- roc(event, a, direction = "<", quiet = TRUE)
r2 <- roc(event, b, direction = "<", quiet = TRUE)
test <- roc.test(r1, r2, method = "delong", paired = TRUE)
rc <- rcorr.cens(a, y)
v <- val.prob(p, event, pl = FALSE)
large <- glm(event ~ 1, offset = qlogis(p), family = binomial, control = glm.control(epsilon = 1e-14))
slope <- glm(event ~ qlogis(p), family = binomial, control = glm.control(epsilon = 1e-14))
out <- list(
  made_by = list(script = "tests/reference/checks/validation.R", R = R.version.string,
                 pROC = as.character(packageVersion("pROC")), Hmisc = as.character(packageVersion("Hmisc")),
                 rms = as.character(packageVersion("rms"))),
  data = list(a = a, b = b, y = y, p = p),
  auc = c(as.numeric(auc(r1)), as.numeric(auc(r2))),
  var = c(var(r1, method = "delong"), var(r2, method = "delong")),
  cov = cov(r1, r2, method = "delong"),
  z = unname(test$statistic), pvalue = test$p.value,
  ci = as.numeric(ci.auc(r1, method = "delong"))[c(1, 3)],
  c_index = unname(rc["C Index"]), dxy = unname(rc["Dxy"]), dxy_sd = unname(rc["S.D."]),
  brier = unname(v["Brier"]), slope = unname(coef(slope)[2]), slope_se = sqrt(vcov(slope)[2, 2]),
  intercept = unname(coef(slope)[1]), large = unname(coef(large)), large_se = sqrt(vcov(large)[1, 1]))
write_json(out, "tests/reference/checks/validation.json", digits = 15, auto_unbox = TRUE)
