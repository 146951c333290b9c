"""Operations on a paid order: completion, reversal, refund."""
