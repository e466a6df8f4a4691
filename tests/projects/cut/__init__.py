"""Operations outside of transactions, of which nobody but the operator can know whether they were carried out."""
