"""Operations that moto lacks, with their own state; every module registers its own when it is imported."""
